import { type ParseError, parse } from "jsonc-parser";

const fence = /^\s*```(?:json5?|jsonc)?\s*\n?([\s\S]*?)\n?\s*```\s*$/i;
const quoteOf: Readonly<Record<string, string>> = { "'": "'", "\u2018": "\u2019", "\u201c": "\u201d" };
const controlEscapes: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

/**
 * Rewrites strings as valid JSON: single and typographic quotes become double ones, raw control characters are escaped.
 * Undefined if a string does not end, because then the text was cut off.
 */
function withPlainStrings(text: string): string | undefined {
  let out = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? "";
    const close = char === '"' ? '"' : quoteOf[char];
    if (close === undefined) {
      out += char;
      continue;
    }
    out += '"';
    for (at += 1; ; at += 1) {
      const inside = text[at];
      if (inside === undefined) return undefined;
      if (inside === close) break;
      if (inside === "\\") {
        const escaped = text[at + 1];
        if (escaped === undefined) return undefined;
        out += escaped === "'" ? "'" : inside + escaped;
        at += 1;
      } else if (inside === '"') out += '\\"';
      else if (inside < " ")
        out += controlEscapes[inside] ?? `\\u${inside.charCodeAt(0).toString(16).padStart(4, "0")}`;
      else out += inside;
    }
    out += '"';
  }
  return out;
}

/**
 * Parses JSON with trailing commas, comments, other quotes or a code fence around it. Undefined for anything else,
 * above all for cut-off text: half of a call must never run.
 */
export function parseLenient(text: string): { value: unknown } | undefined {
  const bare = fence.exec(text)?.[1] ?? text;
  try {
    // Here a key named __proto__ is a plain key; the lenient parser would set a prototype.
    return { value: JSON.parse(bare) as unknown };
  } catch {
    // not valid JSON: parse it leniently below
  }
  for (const candidate of [bare, withPlainStrings(bare)]) {
    if (candidate === undefined) continue;
    const errors: ParseError[] = [];
    const value: unknown = parse(candidate, errors, { allowTrailingComma: true, disallowComments: false });
    if (errors.length === 0 && value !== undefined) return { value };
  }
  return undefined;
}
