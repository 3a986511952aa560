/**
 * Wildcards without regular expressions. The text between two stars is searched from left to right without
 * backtracking, so the cost is at most the product of the two lengths, for any pattern.
 */

/** Matches one character: a literal, `?`, or a class. */
type Char = { matches(char: string): boolean };
/** The part of a pattern between two stars. */
type Chunk = { literal: string } | { literal: undefined; chars: readonly Char[] };

/** A pattern for one text: `*` any characters, `?` one, `[a-z]` one of a class, `\` escapes the next character. */
export type TextPattern = {
  /** The first must match at the start of the text, the last at its end; a star stands between each two. */
  chunks: readonly Chunk[];
  wild: boolean;
};

const anyChar: Char = { matches: () => true };

/** Reads a class at `start`. No `char`: treat it as a star. undefined: it is never closed. */
function readClass(source: string, start: number): { char: Char | undefined; end: number } | undefined {
  let at = start + 1;
  const negated = source[at] === "!" || source[at] === "^";
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  for (let first = true; at < source.length; first = false) {
    if (source[at] === "]" && !first) {
      const matches = (char: string) => ranges.some(([low, high]) => char >= low && char <= high) !== negated;
      return { char: { matches }, end: at };
    }
    // A named class: assumed to match anything that follows. Rules cannot contain one. For the shell's globs, matching
    // too much is safe: a match only makes hearth ask.
    if (/^\[[:=.]/.test(source.slice(at, at + 2))) return { char: undefined, end: source.length - 1 };
    const low = source[at] === "\\" ? (source[++at] ?? "\\") : (source[at] ?? "");
    const high = source[at + 1] === "-" && source[at + 2] !== "]" ? source[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    at += high === undefined ? 1 : 3;
  }
  return undefined;
}

export function compileText(source: string): TextPattern {
  const chunks: Chunk[] = [];
  let wild = false;
  let literal = "";
  let chars: Char[] | undefined;
  const add = (char: string | Char) => {
    if (typeof char !== "string") {
      wild = true;
      chars ??= [...literal].flatMap((known) => charsOf(known));
      chars.push(char);
    } else if (chars === undefined) literal += char;
    else chars.push(...charsOf(char));
  };
  const close = () => {
    chunks.push(chars === undefined ? { literal } : { literal: undefined, chars });
    literal = "";
    chars = undefined;
  };
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? "";
    const set = char === "[" ? readClass(source, at) : undefined;
    if (set !== undefined) at = set.end;
    if (set?.char !== undefined) add(set.char);
    else if (char === "*" || set !== undefined) {
      wild = true;
      close();
    } else if (char === "?") add(anyChar);
    else if (char === "\\" && at + 1 < source.length) {
      at += 1;
      add(source[at] ?? "");
    } else add(char);
  }
  close();
  return { chunks, wild };
}

/** One matcher per UTF-16 unit, because texts are compared by units. */
const charsOf = (text: string): Char[] =>
  text.split("").map((known) => ({ matches: (char: string) => char === known }));

const lengthOf = (chunk: Chunk): number =>
  chunk.literal === undefined ? chunk.chars.length : chunk.literal.length;

const standsAt = (chunk: Chunk, text: string, at: number): boolean =>
  chunk.literal === undefined
    ? chunk.chars.every((char, index) => at + index < text.length && char.matches(text[at + index] ?? ""))
    : text.startsWith(chunk.literal, at);

/** The first index from `from` on at which the chunk matches and ends by `limit`; -1 if there is none. */
function findChunk(chunk: Chunk, text: string, from: number, limit: number): number {
  if (chunk.literal !== undefined) {
    const found = text.indexOf(chunk.literal, from);
    return found >= 0 && found + chunk.literal.length <= limit ? found : -1;
  }
  for (let at = from; at + chunk.chars.length <= limit; at += 1) if (standsAt(chunk, text, at)) return at;
  return -1;
}

/** Whether the whole text matches. */
export function matchText({ chunks }: TextPattern, text: string): boolean {
  const [first, ...rest] = chunks;
  const last = rest.pop();
  if (first === undefined || !standsAt(first, text, 0)) return false;
  if (last === undefined) return text.length === lengthOf(first);
  let at = lengthOf(first);
  const end = text.length - lengthOf(last);
  if (end < at || !standsAt(last, text, end)) return false;
  for (const chunk of rest) {
    const found = findChunk(chunk, text, at, end);
    if (found < 0) return false;
    at = found + lengthOf(chunk);
  }
  return true;
}

/** Escapes all wildcards, for `compileText`. */
export const escapeWildcards = (text: string): string => text.replace(/[*?[\]\\{}]/g, "\\$&");

/** A pattern for path segments: `**` matches any number of them, any other pattern one. */
export type PathPattern = { segments: readonly (TextPattern | "**")[]; wild: boolean };

export function compilePath(segments: readonly string[]): PathPattern {
  const compiled = segments
    .filter((segment, index) => segment !== "**" || segments[index - 1] !== "**")
    .map((segment) => (segment === "**" ? segment : compileText(segment)));
  return { segments: compiled, wild: compiled.some((segment) => segment === "**" || segment.wild) };
}

/** Backtracks to the last `**` only. */
export function matchPath({ segments: pattern }: PathPattern, segments: readonly string[]): boolean {
  let at = 0;
  let retryPattern = -1;
  let retryAt = 0;
  let index = 0;
  while (index < segments.length) {
    const part = pattern[at];
    if (part === "**") {
      retryPattern = at;
      retryAt = index;
      at += 1;
    } else if (part !== undefined && matchText(part, segments[index] ?? "")) {
      at += 1;
      index += 1;
    } else if (retryPattern >= 0) {
      retryAt += 1;
      at = retryPattern + 1;
      index = retryAt;
    } else return false;
  }
  return at === pattern.length || (at === pattern.length - 1 && pattern[at] === "**");
}

/** With more alternatives, braces are taken literally. */
const BRACE_WORDS_MAX = 64;

/** Longer sources are not expanded: finding where a brace closes is quadratic at worst. */
const BRACE_SOURCE_MAX = 2_000;

/** Expands `a{b,c}` to `ab` and `ac`; undefined if there are too many. `\` escapes the next character. */
export function expandBraces(source: string): string[] | undefined {
  if (source.length > BRACE_SOURCE_MAX) return undefined;
  let done = [""];
  let at = 0;
  while (at < source.length) {
    const group = source[at] === "{" ? readBraces(source, at) : undefined;
    const length = source[at] === "\\" ? 2 : 1;
    const choices: string[] = [];
    if (group === undefined) choices.push(source.slice(at, at + length));
    for (const item of group?.items ?? []) {
      const inner = group?.range ? [item] : expandBraces(item);
      if (inner === undefined) return undefined;
      for (const choice of inner) choices.push(choice);
      if (choices.length > BRACE_WORDS_MAX) return undefined;
    }
    if (done.length * choices.length > BRACE_WORDS_MAX) return undefined;
    done =
      choices.length === 1
        ? done.map((head) => head + choices[0])
        : done.flatMap((head) => choices.map((c) => head + c));
    at = group === undefined ? at + length : group.end + 1;
  }
  return done;
}

function readBraces(
  source: string,
  start: number,
): { items: string[]; range: boolean; end: number } | undefined {
  let depth = 0;
  let itemStart = start + 1;
  const items: string[] = [];
  for (let at = start; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (char === "{") depth += 1;
    else if (char === "," && depth === 1) {
      items.push(source.slice(itemStart, at));
      itemStart = at + 1;
    } else if (char === "}") {
      depth -= 1;
      if (depth > 0) continue;
      const last = source.slice(itemStart, at);
      if (items.length > 0) return { items: [...items, last], range: false, end: at };
      const range = readRange(last);
      return range && { items: range, range: true, end: at };
    }
  }
  return undefined;
}

const tooMany = Array.from({ length: BRACE_WORDS_MAX + 1 }, () => "");

function readRange(text: string): string[] | undefined {
  if (!text.includes("..")) return undefined;
  const match = /^(?:(-?\d{1,6})\.\.(-?\d{1,6})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const [, from, to, fromChar, toChar, by] = match;
  const numeric = from !== undefined && to !== undefined;
  // Padded numbers and mixed-case letters follow special rules: return more than the bound instead of guessing.
  if (/(?:^|\.)-?0\d/.test(text) || /[a-z]\.\.[A-Z]|[A-Z]\.\.[a-z]/.test(text)) return tooMany;
  const low = numeric ? Number(from) : (fromChar ?? "").charCodeAt(0);
  const high = numeric ? Number(to) : (toChar ?? "").charCodeAt(0);
  const step = Math.abs(Number(by ?? 1)) || 1;
  const count = Math.floor(Math.abs(high - low) / step) + 1;
  return Array.from({ length: Math.min(count, BRACE_WORDS_MAX + 1) }, (_, index) => {
    const value = low <= high ? low + index * step : low - index * step;
    return numeric ? String(value) : String.fromCharCode(value);
  });
}
