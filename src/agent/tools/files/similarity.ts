const COMPARED_CHARS_MAX = 400;
/** Texts whose lengths differ more than this are not compared. */
const LENGTH_PART_MIN = 0.3;

/** 1 for equal, 0 for nothing in common: Levenshtein distance over the longer length. */
export function similarity(first: string, second: string): number {
  if (first === second) return 1;
  const a = first.slice(0, COMPARED_CHARS_MAX);
  const b = second.slice(0, COMPARED_CHARS_MAX);
  const longer = Math.max(a.length, b.length);
  if (similarityMax(first, second) < LENGTH_PART_MIN) return 0;
  let row = Uint16Array.from({ length: b.length + 1 }, (_, index) => index);
  let next = new Uint16Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    const char = a.charCodeAt(i);
    next[0] = i + 1;
    for (let j = 0; j < b.length; j++) {
      const swapped = (row[j] ?? 0) + (char === b.charCodeAt(j) ? 0 : 1);
      next[j + 1] = Math.min(swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1);
    }
    [row, next] = [next, row];
  }
  return 1 - (row[b.length] ?? longer) / longer;
}

/** The upper bound of `similarity`, from the lengths alone. */
export function similarityMax(first: string, second: string): number {
  const a = Math.min(first.length, COMPARED_CHARS_MAX);
  const b = Math.min(second.length, COMPARED_CHARS_MAX);
  return a === b ? 1 : Math.min(a, b) / Math.max(a, b);
}
