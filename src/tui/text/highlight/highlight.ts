import type { ThemeToken } from "../../theme.ts";

/** Code in colours: one list of runs a line. Undefined where it is better left plain (unknown, too long). */
export type Highlight = (code: string, language: string) => CodeRun[][] | undefined;
export type CodeRun = { text: string; token: ThemeToken };

/** Beyond these the colours cost more than they tell. */
const LINES_MAX = 400;
const CHARACTERS_MAX = 40 * 1024;
/** Minified code: a single such line can keep the regular expressions of a grammar (ini) busy for seconds. */
const LINE_CHARACTERS_MAX = 400;

export const isHighlightable = (code: string): boolean => {
  if (code.length > CHARACTERS_MAX) return false;
  let lines = 1;
  let start = 0;
  for (let end = code.indexOf("\n"); end !== -1; end = code.indexOf("\n", start)) {
    if (end - start > LINE_CHARACTERS_MAX) return false;
    lines += 1;
    start = end + 1;
  }
  return lines <= LINES_MAX && code.length - start <= LINE_CHARACTERS_MAX;
};
