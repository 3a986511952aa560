import { square } from "./square.js";
export const base = { sides: 0 };
export const describe = () => `${square.name} has ${square.sides} sides`;
