export const base = { sides: 0 };
