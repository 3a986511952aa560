/** UTF-16 offsets into the text that was searched. */
export type Replacement = { start: number; end: number; text: string };
export type Key = (line: string) => string;

/** A call takes so many arguments, not any number. */
const SPREAD_MAX = 1000;

/** Numbers for lines: two lines that a key makes alike have the same one. */
type LineNumbers = { key: Key; ids: Map<string, number>; ofLines: number[] };

/**
 * A text that many edits are made in, one after the other. Its lines, and what each way of looking at them makes of
 * them, are worked out once; an edit changes them only where it stands, so that a hundred edits in a long file cost
 * little more than one.
 */
export function createSearchedText(initial: string) {
  let text = initial;
  let lines: string[] | undefined;
  let starts = new Uint32Array(0);
  let areStartsTrue = false;
  const numbered = new Map<Key, LineNumbers>();

  const linesNow = (): string[] => {
    lines ??= text.split("\n");
    return lines;
  };
  const startsNow = (): Uint32Array => {
    if (areStartsTrue) return starts;
    const all = linesNow();
    // Room for what edits add: memory taken anew for each of them costs more than the work.
    if (starts.length < all.length) starts = new Uint32Array(Math.ceil(all.length * 1.2));
    let start = 0;
    for (let index = 0; index < all.length; index++) {
      starts[index] = start;
      start += (all[index] ?? "").length + 1;
    }
    areStartsTrue = true;
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
    for (const line of linesNow()) made.ofLines.push(numberOf(made, line));
    numbered.set(key, made);
    return made;
  };

  return {
    text: (): string => text,
    lines: (): readonly string[] => linesNow(),
    /** Where a line begins, counted from 0. */
    startOf: (line: number): number => (line < linesNow().length ? (startsNow()[line] ?? 0) : text.length),
    /** The line, from 0, that holds an offset. */
    lineAt(offset: number): number {
      const all = startsNow();
      let [low, high] = [0, linesNow().length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((all[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    /** The first lines, from 0, of the places where `wanted` stands as `key` sees lines; overlapping ones too. */
    placesOf(wanted: readonly string[], key: Key, placesMax: number, mayOverlap: boolean): number[] {
      const { ids, ofLines } = numbersFor(key);
      const sought: number[] = [];
      for (const line of wanted) {
        const id = ids.get(key(line));
        if (id === undefined) return []; // a line that stands nowhere
        sought.push(id);
      }
      return placesOf(ofLines, sought, placesMax, mayOverlap);
    },
    /** In order and apart from each other. */
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
      areStartsTrue = false;
      text = replaced(text, replacements);
    },
  };
}
export type SearchedText = ReturnType<typeof createSearchedText>;

/** `items` itself where little is put in: it is changed in place. */
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

/** Knuth, Morris and Pratt: a step for each line, however much of it repeats. */
function placesOf(
  all: readonly number[],
  sought: readonly number[],
  placesMax: number,
  mayOverlap: boolean,
): number[] {
  const places: number[] = [];
  if (sought.length === 0) return places;
  // How much of the beginning is still matched where the next one does not fit.
  const fallback = [0];
  for (let at = 1, matched = 0; at < sought.length; at++) {
    while (matched > 0 && sought[at] !== sought[matched]) matched = fallback[matched - 1] ?? 0;
    if (sought[at] === sought[matched]) matched++;
    fallback.push(matched);
  }
  for (let at = 0, matched = 0; at < all.length && places.length < placesMax; at++) {
    while (matched > 0 && all[at] !== sought[matched]) matched = fallback[matched - 1] ?? 0;
    if (all[at] === sought[matched]) matched++;
    if (matched < sought.length) continue;
    places.push(at + 1 - sought.length);
    matched = mayOverlap ? (fallback[matched - 1] ?? 0) : 0;
  }
  return places;
}
