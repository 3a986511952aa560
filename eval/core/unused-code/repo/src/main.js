import * as text from "./text.js";
import { shout } from "./text.js";

export const loud = (words) => words.map(shout).map((word) => text["rev" + "erse"](word));
