import { base } from "./base.js";
export const square = { ...base, name: "square", sides: 4 };
