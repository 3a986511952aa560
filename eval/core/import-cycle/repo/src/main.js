import { describe } from "./shapes.js";
console.log(describe());
