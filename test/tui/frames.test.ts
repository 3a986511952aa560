// Frames as a person sees them, at three sizes. The texts are reviewed: read them before you take a new one.
import { afterEach, describe, expect, test } from "vitest";
import { scenes } from "../support/tui-scenes.ts";
import { replica } from "../support/tui-state.ts";
import { openTuiTerminal, type TuiTerminal } from "../support/tui-terminal.ts";

let open: TuiTerminal | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
});
const sizes = [
  [80, 24],
  [120, 40],
  [40, 12],
] as const;
describe.each(sizes)("at %ix%i", (columns, rows) => {
  test.each(Object.keys(scenes))("the screen while: %s", async (name) => {
    open = openTuiTerminal(columns, rows);
    scenes[name]?.(open);
    const shown = await open.window();
    await expect(`${shown}\n`).toMatchFileSnapshot(`__snapshots__/${name}-${columns}x${rows}.txt`);
    for (const row of shown.split("\n")) expect(row.length).toBeLessThanOrEqual(columns);
  });
});

test.each(["plan", "commands", "files", "shell"])(
  "the caret stands in the prompt below: %s",
  async (name) => {
    open = openTuiTerminal(80, 24);
    scenes[name]?.(open);
    await open.window();
    const { row } = open.emulator.cursor();
    expect(open.emulator.window()[row]).toMatch(/^[›$]/);
  },
);

test("the caret stands where the text of the prompt goes on", async () => {
  open = openTuiTerminal(80, 24);
  open.show(replica());
  open.type("日本");
  await open.window();
  const { row, column } = open.emulator.cursor();
  expect(open.emulator.window()[row]).toBe("› 日本");
  expect(column).toBe(6);
});
