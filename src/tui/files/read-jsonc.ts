import { parse } from "jsonc-parser";

/** What a JSONC file says; what cannot be read of it is left out. In a module of its own, to be loaded when needed. */
export const readJsonc = (text: string): unknown => parse(text, [], { allowTrailingComma: true });
