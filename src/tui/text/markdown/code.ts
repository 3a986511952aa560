import type { Layout } from "../layout.ts";
import { type Line, span, wrapVerbatim } from "../line.ts";

/** Lines of code, in colours where the language is known, each broken only where it is wider than the screen. */
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

/** The language that an info string names: its first word, without decoration. */
export const languageOf = (info: string): string =>
  /^\s*\{?\.?([\w+#-]+)/.exec(info)?.[1]?.toLowerCase() ?? "";
