import { square } from "./square.js";
export { base } from "./base.js";
export const describe = () => `${square.name} has ${square.sides} sides`;
