/**
 * Globs without regular expressions: what they are matched against is a repository's own, and so may the patterns
 * be (.gitignore); backtracking over both could be made to take for ever. Here it is at most length times length.
 */
export type GlobMatcher = (path: string) => boolean;

type Token =
  | { type: "char"; char: string }
  | { type: "any" }
  | { type: "star" }
  | { type: "class"; test: CharTest };
type CharTest = (char: string) => boolean;
type Segment = Token[] | "globstar";

const ALTERNATIVES_MAX = 64;

/**
 * `*` and `?` stay within a segment, `**` is any number of segments, `[…]` a character, `{a,b}` alternatives.
 * Matches the whole of a relative path; where `isAnywhere`, a pattern without `/` matches the last segment of any.
 */
export function compileGlob(pattern: string, isAnywhere = true): GlobMatcher {
  const matchers = expandBraces(pattern).map((alternative) => {
    const isName = isAnywhere && !alternative.includes("/");
    return compileSegments(isName ? `**/${alternative}` : alternative.replace(/^(\.?\/)+/, ""));
  });
  return (path) => matchers.some((matches) => matches(path));
}

/** As `compileGlob`, anchored as given and without alternatives: what .gitignore knows. */
export function compileSegments(pattern: string): GlobMatcher {
  const segments = pattern.split("/").map((text): Segment => (text === "**" ? "globstar" : tokensOf(text)));
  // `a/**` is what is inside a, not a.
  if (segments.at(-1) === "globstar") segments.push([{ type: "star" }]);
  return (path) =>
    matchSequence(
      path.split("/"),
      segments,
      (segment) => segment === "globstar",
      (segment, name) => segment !== "globstar" && matchName(name, segment),
    );
}

const matchName = (name: string, tokens: readonly Token[]): boolean =>
  matchSequence(
    [...name],
    tokens,
    (token) => token.type === "star",
    (token, char) =>
      token.type === "any" ||
      (token.type === "char" && token.char === char) ||
      (token.type === "class" && token.test(char)),
  );

/**
 * Whether `items` are what `pattern` says, where a star is any number of them. Going back to the last star only is
 * enough: an earlier one that took more would leave less for the same rest.
 */
function matchSequence<Item, Part>(
  items: readonly Item[],
  pattern: readonly Part[],
  isStar: (part: Part) => boolean,
  matches: (part: Part, item: Item) => boolean,
): boolean {
  let at = 0;
  let part = 0;
  let starPart = -1;
  let starAt = 0;
  while (at < items.length) {
    const current = pattern[part];
    const item = items[at];
    if (current !== undefined && isStar(current)) {
      starPart = part++;
      starAt = at;
    } else if (current !== undefined && item !== undefined && matches(current, item)) {
      part++;
      at++;
    } else if (starPart >= 0) {
      part = starPart + 1;
      at = ++starAt;
    } else return false;
  }
  return pattern.slice(part).every(isStar);
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const chars = [...text];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (char === "*") {
      if (tokens.at(-1)?.type !== "star") tokens.push({ type: "star" });
    } else if (char === "?") tokens.push({ type: "any" });
    else if (char === "\\" && at + 1 < chars.length) tokens.push({ type: "char", char: chars[++at] ?? "" });
    else if (char === "[") {
      const found = classAt(chars, at);
      if (found === undefined) tokens.push({ type: "char", char });
      else {
        tokens.push({ type: "class", test: found.test });
        at = found.end;
      }
    } else tokens.push({ type: "char", char });
  }
  return tokens;
}

/** `[a-z]`, `[!x]`, `[^x]`; a bracket first in it is a member. Undefined when it is never closed. */
function classAt(chars: readonly string[], open: number): { test: CharTest; end: number } | undefined {
  let at = open + 1;
  const isNegated = chars[at] === "!" || chars[at] === "^";
  if (isNegated) at++;
  const ranges: { from: string; to: string }[] = [];
  for (let isFirst = true; at < chars.length; at++, isFirst = false) {
    let from = chars[at] ?? "";
    if (from === "]" && !isFirst) {
      const test: CharTest = (char) =>
        ranges.some((range) => range.from <= char && char <= range.to) !== isNegated;
      return { test, end: at };
    }
    if (from === "\\" && at + 1 < chars.length) from = chars[++at] ?? "";
    let to = from;
    if (chars[at + 1] === "-" && at + 2 < chars.length && chars[at + 2] !== "]") {
      at += 2;
      to = chars[at] ?? "";
      if (to === "\\" && at + 1 < chars.length) to = chars[++at] ?? "";
    }
    ranges.push({ from, to });
  }
  return undefined;
}

/** `a{b,c}` to `ab` and `ac`, nested ones too; what is not balanced, or becomes too many, stays as written. */
export function expandBraces(pattern: string): string[] {
  let pending = [pattern];
  const done: string[] = [];
  while (pending.length > 0) {
    if (pending.length + done.length > ALTERNATIVES_MAX) return [pattern];
    pending = pending.flatMap((text) => {
      const parts = firstBraces(text);
      if (parts === undefined) done.push(text);
      return parts ?? [];
    });
  }
  return done;
}

function firstBraces(text: string): string[] | undefined {
  let depth = 0;
  let open = -1;
  let cuts: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "{") {
      if (depth++ === 0) {
        open = at;
        cuts = [at];
      }
    } else if (char === "," && depth === 1) cuts.push(at);
    else if (char === "}" && depth > 0 && --depth === 0 && cuts.length > 1) {
      cuts.push(at);
      const head = text.slice(0, open);
      const tail = text.slice(at + 1);
      return cuts.slice(0, -1).map((cut, index) => head + text.slice(cut + 1, cuts[index + 1]) + tail);
    }
  }
  return undefined;
}

/** The folder that every match is below, and the rest of the pattern: `src/a/*.ts` is `src/a` and `*.ts`. */
export function splitBase(pattern: string): { base: string; rest: string } {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}\\]/.test(segment));
  const count = Math.min(wild === -1 ? segments.length : wild, segments.length - 1);
  const base = segments.slice(0, count).join("/");
  return { base: base === "" && pattern.startsWith("/") ? "/" : base, rest: segments.slice(count).join("/") };
}
