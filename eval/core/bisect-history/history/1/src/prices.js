export const prices = [10, 20, 30];
