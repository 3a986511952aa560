import fc from "fast-check";
import { expect, test } from "vitest";
import { createTerminalModes } from "../../src/tui/input/modes.ts";
import type { Finished } from "../../src/tui/screen/recent.ts";
import { createScreen } from "../../src/tui/screen/screen.ts";
import { createEmulator } from "../support/emulator.ts";

const COLUMNS = 30;
const ROWS = 12;

function open(columns = COLUMNS, rows = ROWS, onDirty = () => {}) {
  const emulator = createEmulator(columns, rows);
  let bytes = 0;
  let waiting: Promise<void> = Promise.resolve();
  const output = {
    write(text: string) {
      bytes += text.length;
      waiting = emulator.write(text);
    },
  };
  const screen = createScreen({
    output,
    modes: createTerminalModes(output),
    size: { columns, rows },
    onDirty,
  });
  const flush = async () => {
    const before = bytes;
    screen.flush();
    await waiting;
    return bytes - before;
  };
  return { emulator, screen, flush };
}

/** Rows that are the same at every width. */
const fixed = (rows: readonly string[]): Finished => ({ rows, layOut: () => rows });

const row = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "é", "·"), maxLength: COLUMNS }),
  fc.constantFrom(
    "日本語テキスト",
    "x".repeat(COLUMNS),
    "family 👩‍👩‍👧",
    "\x1b[31mred\x1b[39m plain",
    "\x1b[1mbold\x1b[22m",
    "\x1b[1m\x1b[31mbold red\x1b[32mgreen\x1b[39m\x1b[22m b",
    "aé̂b",
    "",
  ),
);
const step = fc.record({
  commit: fc.array(row, { maxLength: 4 }),
  frame: fc.array(row, { minLength: 1, maxLength: ROWS - 2 }),
  caret: fc.option(fc.record({ row: fc.nat(ROWS - 3), column: fc.nat(COLUMNS - 1) }), { nil: undefined }),
  /** How many of the frame's first rows go to the scrollback as they are. */
  keep: fc.nat(3),
});

const plain = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, "").trimEnd();
const trimmed = (rows: readonly string[]) => {
  const result = rows.map(plain);
  while (result.at(-1) === "") result.pop();
  return result;
};

test("whatever is committed and shown, the scrollback holds each row once, in order, and the frame stands below", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(10), async (steps, above) => {
      const { emulator, screen, flush } = open();
      const shell = Array.from({ length: above }, (_, index) => `shell ${index}`);
      await emulator.write(shell.map((line) => `${line}\r\n`).join(""));
      const committed: string[] = [...shell];
      let last: readonly string[] = [];
      for (const { commit, frame, caret, keep } of steps) {
        const moved = last.slice(0, keep);
        const rows = [...moved, ...commit].map((text) => text.trimEnd());
        screen.commit(fixed(rows));
        committed.push(...rows);
        last = frame.map((text) => text.trimEnd());
        const at = caret && { row: Math.min(caret.row, frame.length - 1), column: caret.column };
        screen.setFrame(last, at);
        await flush();
        expect(trimmed(emulator.everything())).toEqual(trimmed([...committed, ...last]));
        if (at !== undefined) {
          // The window's row of the caret is known from the rows above it.
          const total = committed.length + last.length;
          const top = Math.max(0, total - ROWS);
          const shrunk = emulator.cursor().row - (committed.length + at.row - top);
          // After the frame shrank the picture may stand higher than the window's end.
          expect(shrunk).toBeLessThanOrEqual(0);
          expect(emulator.cursor().column).toBe(at.column);
        }
      }
      expect(emulator.written).not.toContain("\x1b[3J");
      emulator.dispose();
    }),
    { numRuns: 300 },
  );
});

test("a row that goes from the frame to the scrollback unchanged is not sent again", async () => {
  const { screen, flush, emulator } = open();
  screen.setFrame(["first row of an answer", "second row", "> "], { row: 2, column: 2 });
  await flush();
  screen.commit(fixed(["first row of an answer"]));
  screen.setFrame(["second row", "> "], { row: 1, column: 2 });
  expect(await flush()).toBe(0);
  screen.setFrame(["second row", "third", "> "], { row: 2, column: 2 });
  expect(await flush()).toBeLessThan(60);
  expect(emulator.everything()).toEqual(["first row of an answer", "second row", "third", ">"]);
});

test("a character that is drawn wider than it is counted moves nothing else", async () => {
  const { screen, flush, emulator } = open();
  // Where each member of a family is drawn in two columns this would be wrapped, and all below be one row off.
  const family = "👩‍👩‍👧".repeat(7);
  screen.setFrame([`${family} a`, "👍🏽 b", "ทำ c", "> "], { row: 3, column: 2 });
  await flush();
  expect(
    emulator
      .window()
      .map((text) => text.slice(-1))
      .slice(0, 4),
  ).toEqual(["a", "b", "c", ">"]);
  // Where it is counted: 7 × 4 columns, then a blank.
  expect(emulator.cells()[0]?.at(-1)?.text).toBe("a");
  expect(emulator.cursor()).toEqual({ row: 3, column: 2 });
  await emulator.write("x".repeat(40));
  expect(emulator.everything()).toHaveLength(5);
});

test("one key in a prompt costs a few bytes", async () => {
  const { screen, flush } = open();
  screen.setFrame(["", "> hello", "  ask · demo"], { row: 1, column: 7 });
  await flush();
  screen.setFrame(["", "> hello!", "  ask · demo"], { row: 1, column: 8 });
  expect(await flush()).toBeLessThan(16);
});

test("rows committed on the alternate screen appear when it is closed, and the frame is as it was", async () => {
  const { screen, flush, emulator } = open();
  screen.setFrame(["live", "> "], { row: 1, column: 2 });
  await flush();
  screen.setAlternate(true);
  screen.setFrame(["overlay"], undefined);
  await flush();
  expect(emulator.isAlternate).toBe(true);
  screen.commit(fixed(["done 1", "done 2"]));
  await flush();
  expect(emulator.window()[0]).toBe("overlay");
  screen.setAlternate(false);
  screen.setFrame(["live", "> "], { row: 1, column: 2 });
  await flush();
  expect(emulator.isAlternate).toBe(false);
  expect(emulator.everything()).toEqual(["done 1", "done 2", "live", ">"]);
  expect(emulator.cursor()).toEqual({ row: 3, column: 2 });
});

test("an overlay is drawn anew for another size although a frame had to wait while the size changed", async () => {
  let asked = 0;
  const { screen, flush, emulator } = open(COLUMNS, ROWS, () => {
    asked += 1;
  });
  screen.setAlternate(true);
  screen.setFrame(["overlay"], undefined);
  await flush();
  // Nothing is drawn while the size changes, so this is not.
  screen.setFrame(["overlay, a moment later"], undefined);
  asked = 0;
  screen.resized({ columns: COLUMNS, rows: ROWS });
  screen.redrawAlternate();
  expect(asked).toBe(1);
  await flush();
  expect(emulator.window()[0]).toBe("overlay, a moment later");
});

test("more rows than the window holds are committed at once without losing any", async () => {
  const { screen, flush, emulator } = open();
  screen.setFrame(["live", "> "], { row: 1, column: 2 });
  await flush();
  const rows = Array.from({ length: 100 }, (_, index) => `row ${index}`);
  screen.commit(fixed(rows));
  await flush();
  expect(emulator.everything()).toEqual([...rows, "live", ">"]);
});

test("a cleared window has moved into the scrollback whole, wherever the frame stood in it", async () => {
  for (const before of [0, 1, 5, ROWS - 2, 40]) {
    const { screen, flush, emulator } = open();
    const rows = Array.from({ length: before }, (_, index) => `row ${index}`);
    screen.commit(fixed(rows));
    screen.setFrame(["live", "> "], { row: 1, column: 2 });
    await flush();
    screen.clear();
    screen.commit(fixed(["new session"]));
    screen.setFrame(["", "> "], { row: 1, column: 2 });
    await flush();
    expect(emulator.window().slice(0, 3)).toEqual(["new session", "", ">"]);
    expect(emulator.everything()).toEqual([...rows, "new session", "", ">"]);
  }
});

test("closing leaves the cursor on a fresh row below what stays", async () => {
  const { screen, flush, emulator } = open();
  screen.commit(fixed(["kept"]));
  screen.setFrame(["live", "> text"], { row: 1, column: 6 });
  await flush();
  screen.close(["bye"]);
  await emulator.write("$ ");
  expect(emulator.everything()).toEqual(["kept", "bye", "$"]);
  screen.setFrame(["late"], undefined);
  await flush();
  expect(emulator.everything()).toEqual(["kept", "bye", "$"]);
});

/** What the terminal does when it has another size, as the parts above the screen have it done. */
function changeSize({ emulator, screen }: ReturnType<typeof open>, sizes: readonly Size[]): void {
  for (const { columns, rows } of sizes) emulator.resize(columns, rows);
  screen.resized(sizes.at(-1) ?? screen.size);
  const narrowest = Math.min(...sizes.map(({ columns }) => columns));
  screen.place({ at: emulator.cursor(), narrowest, onWidth: "wraps_as_xterm_js" });
}
type Size = { columns: number; rows: number };
const size = fc.record({ columns: fc.integer({ min: 20, max: 60 }), rows: fc.integer({ min: 8, max: 20 }) });

/** Words of one block, wrapped at blanks. */
function wrapped(words: readonly string[], columns: number): string[] {
  const rows: string[] = [];
  for (const word of words) {
    const row = rows.at(-1);
    if (row !== undefined && row.length + 1 + word.length <= columns)
      rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word);
  }
  return rows;
}

test("what stands in the window is drawn anew for its width, and every block is there once, in order", async () => {
  const change = fc.record({
    size,
    blocks: fc.array(fc.nat(25), { maxLength: 3 }),
    before: fc.array(fc.nat(25), { maxLength: 2 }),
    frame: fc.integer({ min: 1, max: 5 }),
    caret: fc.nat(4),
    column: fc.nat(59),
    drags: fc.array(size, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const world = open(40, 12);
      const { emulator, screen, flush } = world;
      const expected: string[] = [];
      const commit = (length: number, columns: number) => {
        const words = Array.from({ length: length + 1 }, (_, index) => `w${expected.length + index}`);
        expected.push(...words);
        screen.commit({ rows: wrapped(words, columns), layOut: (width) => wrapped(words, width) });
      };
      for (const { size: next, blocks, before, frame, caret, column, drags } of changes) {
        // Text is finished while the window is dragged and its new size is not known yet.
        for (const length of before) commit(length, screen.size.columns);
        changeSize(world, [...drags, next]);
        const rows = Array.from({ length: frame }, (_, index) =>
          `frame${index}`.padEnd(index % 2 === 0 ? 0 : next.columns - 3, "-"),
        );
        screen.setFrame(rows, {
          row: Math.min(caret, frame - 1),
          column: Math.min(column, next.columns - 1),
        });
        await flush();
        for (const length of blocks) commit(length, next.columns);
        await flush();
        const seen = emulator
          .logical()
          .join(" ")
          .split(/\s+/)
          .filter((word) => word !== "");
        expect(seen.filter((word) => word.startsWith("w"))).toEqual(expected);
        expect(seen.slice(-rows.length)).toEqual(rows);
      }
      emulator.dispose();
    }),
    { numRuns: 100 },
  );
});
