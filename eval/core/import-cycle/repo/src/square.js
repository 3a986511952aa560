import { base } from "./shapes.js";
export const square = { ...base, name: "square", sides: 4 };
