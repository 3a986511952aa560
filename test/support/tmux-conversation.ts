import { expect } from "vitest";
import { isConnected } from "./test-pty.ts";
import { openTestTmux, type Tmux } from "./tmux.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

/** Of one row or several, so that now and then one begins in the window's first row. */
const paragraph = (index: number) =>
  `begin${index} ${"some words to wrap ".repeat((index * 5) % 11)}end${index}.`;

export const paragraphs = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => paragraph(from + index));

export async function openInTmux(
  columns: number,
  rows: number,
  options?: WorldOptions,
): Promise<{ world: World; tmux: Tmux }> {
  const world = await openWorld(options);
  const tmux = await openTestTmux(world.home, { columns, rows });
  await tmux.until((window) => isConnected(window.join("\n")), "a terminal that is connected");
  return { world, tmux };
}

export const isIdleAfter =
  (word: string) =>
  (window: readonly string[]): boolean =>
    window.join(" ").includes(word) && !/Working|esc to cancel/.test(window.join(" "));

let marks = 0;
/** A key is drawn only when nothing of a change of size is still to be drawn. */
export async function settle(tmux: Tmux): Promise<void> {
  marks += 1;
  const mark = `m${marks}k`;
  await tmux.type(mark);
  await tmux.until((window) => window.some((row) => row.includes(mark)), `the draft ${mark}`);
  await tmux.type("\x15");
  await tmux.until((window) => !window.some((row) => row.includes(mark)), "an empty prompt");
}

/** The size has reached the terminal, a paragraph in the window is laid out for it, and nothing is still to be drawn. */
export async function settleAt(tmux: Tmux, columns: number, rows: number, shown?: number): Promise<void> {
  await tmux.told(columns, rows);
  if (shown !== undefined)
    await tmux.until(
      (window) => isLaidOut(window, shown, columns),
      `paragraph ${shown} laid out for ${columns} columns`,
    );
  await settle(tmux);
}

/** Every row holds as many whole words as it can: a terminal that wraps rows by itself cuts words and indents nothing. */
function isLaidOut(window: readonly string[], index: number, columns: number): boolean {
  const words = paragraph(index).split(" ");
  const expected: string[] = [];
  for (const word of words) {
    const last = expected.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= columns)
      expected[expected.length - 1] = `${last} ${word}`;
    else expected.push(`  ${word}`);
  }
  return window.join("\n").includes(expected.join("\n"));
}

/** Everything that was said is there once, and the live region too. */
export async function expectWhole(
  tmux: Tmux,
  count: number,
  { prompts = 1, long }: { prompts?: number; long?: string } = {},
): Promise<void> {
  const history = await tmux.history();
  const text = history.join("\n");
  const words = text.split(/\s+/);
  const found = (word: string) => words.filter((other) => other === word).length;
  const wrong = Array.from({ length: count }, (_, index) => [`begin${index}`, `end${index}.`])
    .flat()
    .filter((word) => found(word) !== 1)
    .map((word) => `${word}: ${found(word)} times`);
  // The whole text, the gaps between rows aside: a row that is lost or doubled inside a paragraph shows here.
  const said = words.join(" ");
  const whole = long === undefined ? paragraphs(count) : [...paragraphs(count), long];
  const broken = whole.filter((each) => said.split(each).length !== 2).map((each) => each.slice(0, 10));
  const live = {
    composers: history.filter((row) => row.startsWith("› ") || row === "›").length - prompts,
    statusLines: history.filter((row) => row.includes("? keys")).length,
    runLines: history.filter((row) => row.includes("esc to cancel")).length,
  };
  expect({ wrong, broken, live }, text).toEqual({
    wrong: [],
    broken: [],
    live: { composers: 1, statusLines: 1, runLines: 0 },
  });
}
