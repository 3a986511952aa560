import type { Layout } from "../layout.ts";
import { type Line, span, wrapVerbatim } from "../line.ts";

/** Lays out code, highlighted if the language is known. Lines are wrapped only at the width. */
export function codeLines(
  code: string,
  language: string,
  width: number,
  layout: Layout,
  before = "",
): Line[] {
  return styledCode(code, language, layout, before).flatMap((line) => wrapVerbatim(line, width));
}

function styledCode(code: string, language: string, layout: Layout, before: string): Line[] {
  const lines = code.split("\n");
  const source = before === "" ? code : `${before}\n${code}`;
  const runs = layout.highlight?.(source, language)?.slice(-lines.length);
  if (runs === undefined || runs.length !== lines.length) return lines.map((line) => [span(line)]);
  return runs.map((line) => line.map((run) => span(run.text, run.token)));
}

/** The language in a fence's info string: its first word, without punctuation. */
export const languageOf = (info: string): string =>
  /^\s*\{?\.?([\w+#-]+)/.exec(info)?.[1]?.toLowerCase() ?? "";
