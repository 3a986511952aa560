import fc from "fast-check";
import { expect, test } from "vitest";
import { createTerminalModes } from "../../src/tui/input/modes.ts";
import { canonicalRow } from "../../src/tui/screen/canonical-row.ts";
import { createScreen } from "../../src/tui/screen/screen.ts";
import { createEmulator } from "../support/emulator.ts";

const COLUMNS = 30;
const ROWS = 12;

function open(columns = COLUMNS, rows = ROWS) {
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
    onDirty: () => {},
  });
  const flush = async () => {
    const before = bytes;
    screen.flush();
    await waiting;
    return bytes - before;
  };
  return { emulator, screen, flush };
}

const row = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "é", "·"), maxLength: COLUMNS }),
  fc.constantFrom(
    "日本語テキスト",
    "x".repeat(COLUMNS),
    "👩‍👩‍👧 family",
    "\x1b[31mred\x1b[m plain",
    "\x1b[1mbold",
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
        const rows = [...moved, ...commit].map(canonicalRow);
        screen.commit(rows);
        committed.push(...rows);
        last = frame.map(canonicalRow);
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
  screen.commit(["first row of an answer"]);
  screen.setFrame(["second row", "> "], { row: 1, column: 2 });
  expect(await flush()).toBe(0);
  screen.setFrame(["second row", "third", "> "], { row: 2, column: 2 });
  expect(await flush()).toBeLessThan(60);
  expect(emulator.everything()).toEqual(["first row of an answer", "second row", "third", ">"]);
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
  screen.commit(["done 1", "done 2"]);
  await flush();
  expect(emulator.window()[0]).toBe("overlay");
  screen.setAlternate(false);
  screen.setFrame(["live", "> "], { row: 1, column: 2 });
  await flush();
  expect(emulator.isAlternate).toBe(false);
  expect(emulator.everything()).toEqual(["done 1", "done 2", "live", ">"]);
  expect(emulator.cursor()).toEqual({ row: 3, column: 2 });
});

test("more rows than the window holds are committed at once without losing any", async () => {
  const { screen, flush, emulator } = open();
  screen.setFrame(["live", "> "], { row: 1, column: 2 });
  await flush();
  const rows = Array.from({ length: 100 }, (_, index) => `row ${index}`);
  screen.commit(rows);
  await flush();
  expect(emulator.everything()).toEqual([...rows, "live", ">"]);
});

test("closing leaves the cursor on a fresh row below what stays", async () => {
  const { screen, flush, emulator } = open();
  screen.commit(["kept"]);
  screen.setFrame(["live", "> text"], { row: 1, column: 6 });
  await flush();
  screen.close(["bye"]);
  await emulator.write("$ ");
  expect(emulator.everything()).toEqual(["kept", "bye", "$"]);
  screen.setFrame(["late"], undefined);
  await flush();
  expect(emulator.everything()).toEqual(["kept", "bye", "$"]);
});

test("equal pictures painted by different programs are equal rows", () => {
  expect(canonicalRow("\x1b[31mred\x1b[39m and \x1b[1mbold\x1b[22m")).toBe(
    canonicalRow("\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m"),
  );
  expect(canonicalRow("\x1b[38;2;1;2;3mx\x1b[39m   ")).toBe("\x1b[38;2;1;2;3mx\x1b[m   ".trimEnd());
});

const size = fc.record({ columns: fc.integer({ min: 20, max: 60 }), rows: fc.integer({ min: 8, max: 20 }) });
const content = fc
  .string({ unit: fc.constantFrom("a", "b", " ", "c"), maxLength: 60 })
  .map((text) => text.trimEnd());

test("whatever size the window takes, nothing in the scrollback is doubled or lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          size,
          commit: fc.array(content, { maxLength: 3 }),
          frame: fc.array(content, { minLength: 1, maxLength: 5 }),
          caret: fc.nat(4),
          column: fc.nat(59),
        }),
        { minLength: 1, maxLength: 15 },
      ),
      async (steps) => {
        const { emulator, screen, flush } = open(40, 12);
        const committed: string[] = [];
        for (const step of steps) {
          emulator.resize(step.size.columns, step.size.rows);
          screen.resized(step.size);
          // Rows are laid out for the width of the moment, as our renderer does.
          const fit = (row: string) => canonicalRow(row.slice(0, step.size.columns));
          const rows = step.commit.map(fit);
          screen.commit(rows);
          committed.push(...rows);
          const frame = step.frame.map(fit);
          screen.setFrame(frame, {
            row: Math.min(step.caret, frame.length - 1),
            column: Math.min(step.column, step.size.columns - 1),
          });
          await flush();
          const shown = [...committed, ...frame];
          while (shown.at(-1) === "") shown.pop();
          expect(emulator.logical()).toEqual(shown);
        }
        emulator.dispose();
      },
    ),
    { numRuns: 100 },
  );
});
