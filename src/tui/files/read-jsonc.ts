import { parse } from "jsonc-parser";

/** Parses JSONC and skips what is malformed. A module of its own, so that the parser is loaded only when needed. */
export const readJsonc = (text: string): unknown => parse(text, [], { allowTrailingComma: true });
