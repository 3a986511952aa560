import type { ThemeToken } from "../../theme.ts";

/** Highlights code: one list of runs for each line. Undefined if it stays plain (unknown language, too long). */
export type Highlight = (code: string, language: string) => CodeRun[][] | undefined;
export type CodeRun = { text: string; token: ThemeToken };

/** Longer code stays plain: highlighting it takes too long. */
const LINES_MAX = 400;
const CHARACTERS_MAX = 40 * 1024;
/** In minified code a single line can take a grammar's regular expressions (ini) seconds. */
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
