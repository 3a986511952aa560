/** The name that a mistyped word most likely meant; undefined if none is near, or if it is one of them. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  if (names.includes(word)) return undefined;
  const near = names
    .map((name) => ({ name, edits: countEdits(word, name) }))
    .filter(({ name, edits }) => edits <= editsAllowed(Math.min(word.length, name.length)))
    .toSorted((a, b) => a.edits - b.edits);
  return near[0]?.name;
}

/** Short words allow fewer edits. */
const editsAllowed = (length: number): number => (length >= 6 ? 2 : length >= 3 ? 1 : 0);

/** Letters added, left out, replaced, or swapped with a neighbour. */
function countEdits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const left = current[column - 1] ?? 0;
      const above = last[column] ?? 0;
      let edits = Math.min(left + 1, above + 1, (last[column - 1] ?? 0) + cost);
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
