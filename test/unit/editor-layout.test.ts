import fc from "fast-check";
import { expect, test } from "vitest";
import { atomsOf, widthOfAtom } from "../../src/tui/editor/atoms.ts";
import { caretAt, layoutEditor, textOfRow, widthBetween } from "../../src/tui/editor/layout.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "bc", " ", "  ", "\n", "日本", "👩‍👩‍👧", "\t", "longword"),
  maxLength: 20,
});

test("rows hold the whole text in order, fit the width, and keep a column free for the caret", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 5, max: 30 }), fc.nat(40), (content, width, where) => {
      const atoms = atomsOf(content);
      const caret = Math.min(where, atoms.length);
      const { rows, caretRow, caretColumn } = layoutEditor(atoms, caret, width);
      let next = 0;
      for (const row of rows) {
        expect(row.start).toBe(next);
        // A line break ends its row and belongs to none.
        next = atoms[row.end] === "\n" ? row.end + 1 : row.end;
        const wide = widthBetween(atoms, row.start, row.end);
        const single = row.end - row.start === 1;
        if (!single) expect(wide).toBeLessThanOrEqual(width - 1);
      }
      expect(next).toBe(atoms.length);
      const row = rows[caretRow];
      expect(row && row.start <= caret && caret <= row.end).toBe(true);
      expect(caretColumn).toBeLessThan(width);
    }),
    { numRuns: 1000 },
  );
});

test("going up and down again with the same aim comes back to the same place", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 8, max: 30 }), fc.nat(40), (content, width, where) => {
      const atoms = atomsOf(content);
      const caret = Math.min(where, atoms.length);
      const { rows, caretRow, caretColumn } = layoutEditor(atoms, caret, width);
      expect(caretAt(atoms, rows, caretRow, caretColumn)).toBe(caret);
    }),
    { numRuns: 1000 },
  );
});

test("words are kept whole where the row allows it", () => {
  const atoms = atomsOf("fix the flaky test");
  const { rows } = layoutEditor(atoms, 0, 11);
  expect(rows.map((row) => textOfRow(atoms, row))).toEqual(["fix the ", "flaky test"]);
});

test("the caret stands where a wide character begins, counted in columns", () => {
  const atoms = atomsOf("日本語");
  expect(layoutEditor(atoms, 2, 20).caretColumn).toBe(4);
  expect(atoms.map(widthOfAtom)).toEqual([2, 2, 2]);
});
