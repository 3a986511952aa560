/**
 * Wildcards without regular expressions: matching goes back to the last star only, so that its cost is bounded by
 * the product of the two lengths, whatever the pattern is.
 */

type Atom<Item> = { kind: "star" } | { kind: "one"; matches(item: Item): boolean };

const star = { kind: "star" } as const;

/** Does the whole of `items` match? Stars stand for any number of items, none included. */
export function matchAtoms<Item>(atoms: readonly Atom<Item>[], items: ArrayLike<Item>): boolean {
  let atomAt = 0;
  let itemAt = 0;
  let retryAtom = -1;
  let retryItem = 0;
  while (itemAt < items.length) {
    const atom = atoms[atomAt];
    if (atom?.kind === "star") {
      retryAtom = atomAt;
      retryItem = itemAt;
      atomAt += 1;
    } else if (atom?.matches(items[itemAt] as Item)) {
      atomAt += 1;
      itemAt += 1;
    } else if (retryAtom >= 0) {
      retryItem += 1;
      atomAt = retryAtom + 1;
      itemAt = retryItem;
    } else return false;
  }
  while (atoms[atomAt]?.kind === "star") atomAt += 1;
  return atomAt === atoms.length;
}

/** A pattern for one text: `*` any characters, `?` one, `[a-z]` one of a class, `\` takes the next as it is. */
export type TextPattern = { atoms: readonly Atom<string>[]; wild: boolean };

const single = (char: string): Atom<string> => ({ kind: "one", matches: (other) => other === char });
const anyChar: Atom<string> = { kind: "one", matches: () => true };

/** `[` to `]` at `start`, or undefined where it is never closed and stands for itself. */
function readClass(source: string, start: number): { atom: Atom<string>; end: number } | undefined {
  let at = start + 1;
  const negated = source[at] === "!" || source[at] === "^";
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  for (let first = true; at < source.length; first = false) {
    if (source[at] === "]" && !first) {
      const matches = (char: string) => ranges.some(([low, high]) => char >= low && char <= high) !== negated;
      return { atom: { kind: "one", matches }, end: at };
    }
    // A named class: taken to match whatever follows. Rules may not have one; for the shell's own globs, whose
    // matches are only ever feared, too wide is safe.
    if (/^\[[:=.]/.test(source.slice(at, at + 2))) return { atom: star, end: source.length - 1 };
    const low = source[at] === "\\" ? (source[++at] ?? "\\") : (source[at] ?? "");
    if (source[at + 1] === "-" && source[at + 2] !== undefined && source[at + 2] !== "]") {
      ranges.push([low, source[at + 2] ?? low]);
      at += 3;
    } else {
      ranges.push([low, low]);
      at += 1;
    }
  }
  return undefined;
}

export function compileText(source: string): TextPattern {
  const atoms: Atom<string>[] = [];
  let wild = false;
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? "";
    if (char === "*") {
      wild = true;
      if (atoms.at(-1) !== star) atoms.push(star);
    } else if (char === "?") {
      wild = true;
      atoms.push(anyChar);
    } else if (char === "\\" && at + 1 < source.length) {
      at += 1;
      atoms.push(single(source[at] ?? ""));
    } else if (char === "[") {
      const set = readClass(source, at);
      if (set === undefined) atoms.push(single(char));
      else {
        wild = true;
        atoms.push(set.atom);
        at = set.end;
      }
    } else atoms.push(single(char));
  }
  return { atoms, wild };
}

export const matchText = (pattern: TextPattern, text: string): boolean => matchAtoms(pattern.atoms, text);

/** The text with every wildcard made literal, for `compileText`. */
export const escapeWildcards = (text: string): string => text.replace(/[*?[\]\\{}]/g, "\\$&");

/** A pattern for the segments of a path: `**` stands for any number of them, the rest for one each. */
export type PathPattern = { segments: readonly Atom<string>[]; wild: boolean };

export function compilePath(segments: readonly string[]): PathPattern {
  let wild = false;
  const compiled = segments.map((segment): Atom<string> => {
    if (segment === "**") {
      wild = true;
      return star;
    }
    const text = compileText(segment);
    wild ||= text.wild;
    return { kind: "one", matches: (other) => matchText(text, other) };
  });
  return { segments: compiled, wild };
}

export const matchPath = (pattern: PathPattern, segments: readonly string[]): boolean =>
  matchAtoms(pattern.segments, segments);

/** More than this many alternatives and the braces stand for themselves. */
const BRACE_WORDS_MAX = 64;

/** Longer sources are not expanded: finding where a brace closes is quadratic at worst. */
const BRACE_SOURCE_MAX = 2_000;

/** `a{b,c}` to `ab` and `ac`; undefined when there would be too many. A `\` takes the next character as it is. */
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
  // Padded numbers and letters of both cases have rules of their own: more than the bound, so that nobody guesses.
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
