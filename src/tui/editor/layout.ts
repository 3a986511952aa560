import { type Atom, kindOf, shownOf, widthOfAtom } from "./atoms.ts";

/** One visual row: the atoms from `start` up to, but not including, `end`. A line break is not drawn. */
export type EditorRow = { start: number; end: number };
export type EditorLayout = { rows: readonly EditorRow[]; caretRow: number; caretColumn: number };

/**
 * Wraps a prompt into rows of at most `width` columns, at spaces where possible. One column stays free for the caret
 * at the end of a line.
 */
export function layoutEditor(atoms: readonly Atom[], caret: number, width: number): EditorLayout {
  const room = Math.max(2, width - 1);
  const rows: EditorRow[] = [];
  let start = 0;
  let column = 0;
  /** The index after the last space of the row, where it can be wrapped; -1 for none. */
  let breakAt = -1;
  for (let index = 0; index < atoms.length; index += 1) {
    const atom = atoms[index] ?? "";
    if (atom === "\n") {
      rows.push({ start, end: index });
      start = index + 1;
      column = 0;
      breakAt = -1;
      continue;
    }
    const wide = widthOfAtom(atom);
    while (column + wide > room && index > start) {
      const cut = kindOf(atom) !== "space" && breakAt > start ? breakAt : index;
      rows.push({ start, end: cut });
      start = cut;
      column = widthBetween(atoms, cut, index);
      breakAt = -1;
    }
    column += wide;
    if (kindOf(atom) === "space") breakAt = index + 1;
  }
  rows.push({ start, end: atoms.length });
  const caretRow = rowOf(rows, caret);
  const row = rows[caretRow] ?? { start: 0, end: 0 };
  return { rows, caretRow, caretColumn: Math.min(widthBetween(atoms, row.start, caret), room) };
}

/** The row of the caret. Where a line is wrapped, the caret is at the start of the next row. */
function rowOf(rows: readonly EditorRow[], caret: number): number {
  let found = 0;
  for (const [index, row] of rows.entries()) if (row.start <= caret) found = index;
  return found;
}

export function widthBetween(atoms: readonly Atom[], start: number, end: number): number {
  let sum = 0;
  for (let index = start; index < end; index += 1) sum += widthOfAtom(atoms[index] ?? "");
  return sum;
}

/** The caret's position in `row` that is nearest to `column`. */
export function caretAt(
  atoms: readonly Atom[],
  rows: readonly EditorRow[],
  row: number,
  column: number,
): number {
  const target = rows[row];
  if (target === undefined) return 0;
  let caret = target.start;
  let passed = 0;
  // The end of a wrapped row is the start of the next one, so the caret stops before its last character.
  const isWrapped = row + 1 < rows.length && rows[row + 1]?.start === target.end;
  const last = isWrapped ? target.end - 1 : target.end;
  while (caret < last) {
    const wide = widthOfAtom(atoms[caret] ?? "");
    if (passed + wide > column) break;
    passed += wide;
    caret += 1;
  }
  return caret;
}

export const textOfRow = (atoms: readonly Atom[], row: EditorRow): string =>
  atoms.slice(row.start, row.end).map(shownOf).join("");
