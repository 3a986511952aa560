/** UTF-16 offsets into the text that was searched. */
export type Replacement = { start: number; end: number; text: string };
export type Key = (line: string) => string;

/** The number of arguments in one call is limited. */
const SPREAD_MAX = 1000;

/** Numbers for lines: lines with equal keys have the same number. */
type LineNumbers = { key: Key; ids: Map<string, number>; ofLines: number[] };

/**
 * A text to which many edits are applied in order. Its lines and their keys are computed once, and an edit updates them
 * only where it applies, so that a hundred edits in a long file cost little more than one.
 */
export function createSearchedText(initial: string) {
  let text = initial;
  let lines: string[] | undefined;
  let starts = new Uint32Array(0);
  let areStartsCurrent = false;
  const numbered = new Map<Key, LineNumbers>();

  const currentLines = (): string[] => {
    lines ??= text.split("\n");
    return lines;
  };
  const currentStarts = (): Uint32Array => {
    if (areStartsCurrent) return starts;
    const all = currentLines();
    // Extra room, because reallocating for each edit would cost more than the work itself.
    if (starts.length < all.length) starts = new Uint32Array(Math.ceil(all.length * 1.2));
    let start = 0;
    for (let index = 0; index < all.length; index++) {
      starts[index] = start;
      start += (all[index] ?? "").length + 1;
    }
    areStartsCurrent = true;
    return starts;
  };
  const numberOf = ({ key, ids }: LineNumbers, line: string): number => {
    const made = key(line);
    const known = ids.get(made);
    if (known !== undefined) return known;
    ids.set(made, ids.size);
    return ids.size - 1;
  };
  const numbersFor = (key: Key): LineNumbers => {
    const known = numbered.get(key);
    if (known !== undefined) return known;
    const made: LineNumbers = { key, ids: new Map(), ofLines: [] };
    for (const line of currentLines()) made.ofLines.push(numberOf(made, line));
    numbered.set(key, made);
    return made;
  };

  return {
    text: (): string => text,
    lines: (): readonly string[] => currentLines(),
    /** The offset of a line's start. Lines count from 0. */
    startOf: (line: number): number =>
      line < currentLines().length ? (currentStarts()[line] ?? 0) : text.length,
    /** The line that contains an offset. */
    lineAt(offset: number): number {
      const all = currentStarts();
      let [low, high] = [0, currentLines().length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((all[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    /** The first lines of the places where the lines' keys equal those of `wanted`. */
    placesOf(wanted: readonly string[], key: Key, placesMax: number, mayOverlap: boolean): number[] {
      const { ids, ofLines } = numbersFor(key);
      const pattern: number[] = [];
      for (const line of wanted) {
        const id = ids.get(key(line));
        if (id === undefined) return []; // a line that does not occur
        pattern.push(id);
      }
      return placesOf(ofLines, pattern, placesMax, mayOverlap);
    },
    /** The replacements must be in order and must not overlap. */
    replace(replacements: readonly Replacement[]): void {
      const [only, another] = replacements;
      if (only === undefined) return;
      if (lines !== undefined && another === undefined) {
        const first = this.lineAt(only.start);
        const last = this.lineAt(only.end);
        const before = text.slice(this.startOf(first), only.start);
        const after = text.slice(only.end, this.startOf(last) + (lines[last] ?? "").length);
        const made = (before + only.text + after).split("\n");
        lines = spliced(lines, first, last + 1, made);
        for (const numbers of numbered.values()) {
          const { ofLines } = numbers;
          const ids = made.map((line) => numberOf(numbers, line));
          numbers.ofLines = spliced(ofLines, first, last + 1, ids);
        }
      } else {
        lines = undefined;
        numbered.clear();
      }
      areStartsCurrent = false;
      text = replaced(text, replacements);
    },
  };
}
export type SearchedText = ReturnType<typeof createSearchedText>;

/** Changes `items` in place if few items are inserted; otherwise returns a new array. */
function spliced<T>(items: T[], start: number, end: number, made: readonly T[]): T[] {
  if (made.length > SPREAD_MAX) return items.slice(0, start).concat(made, items.slice(end));
  items.splice(start, end - start, ...made);
  return items;
}

/** The replacements are in order and do not overlap. */
export function replaced(text: string, replacements: readonly Replacement[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, text: made } of replacements) {
    pieces.push(text.slice(at, start), made);
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** Knuth, Morris and Pratt: linear time, also for repetitive text. */
function placesOf(
  all: readonly number[],
  pattern: readonly number[],
  placesMax: number,
  mayOverlap: boolean,
): number[] {
  const places: number[] = [];
  if (pattern.length === 0) return places;
  // For each prefix: how much is still matched if the next line does not fit.
  const fallback = [0];
  for (let at = 1, matched = 0; at < pattern.length; at++) {
    while (matched > 0 && pattern[at] !== pattern[matched]) matched = fallback[matched - 1] ?? 0;
    if (pattern[at] === pattern[matched]) matched++;
    fallback.push(matched);
  }
  for (let at = 0, matched = 0; at < all.length && places.length < placesMax; at++) {
    while (matched > 0 && all[at] !== pattern[matched]) matched = fallback[matched - 1] ?? 0;
    if (all[at] === pattern[matched]) matched++;
    if (matched < pattern.length) continue;
    places.push(at + 1 - pattern.length);
    matched = mayOverlap ? (fallback[matched - 1] ?? 0) : 0;
  }
  return places;
}
