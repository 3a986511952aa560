import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { type Piece, say } from "../support/model-server.ts";
import { isConnected } from "../support/test-pty.ts";
import { hasTmux, openTestTmux, type Tmux } from "../support/tmux.ts";
import { openWorld } from "../support/world.ts";

/** Of one row or several, so that now and then one begins in the window's first row. */
const paragraph = (index: number) =>
  `begin${index} ${"some words to wrap ".repeat((index * 5) % 11)}end${index}.`;
const paragraphs = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => paragraph(from + index));

async function open(columns: number, rows: number) {
  const world = await openWorld();
  const tmux = await openTestTmux(world.home, { columns, rows });
  await tmux.until((window) => isConnected(window.join("\n")), "a terminal that is connected");
  return { world, tmux };
}

let marks = 0;
/** A key is drawn only when nothing of a change of size is still to be drawn. */
async function settle(tmux: Tmux): Promise<void> {
  marks += 1;
  const mark = `m${marks}k`;
  await tmux.type(mark);
  await tmux.until((window) => window.some((row) => row.includes(`› ${mark}`)), `the draft ${mark}`);
  await tmux.type("\x15");
  await tmux.until((window) => !window.some((row) => row.includes(mark)), "an empty prompt");
}

/** Everything that was said is there once, and the live region too. */
async function expectWhole(tmux: Tmux, count: number): Promise<void> {
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
  const broken = paragraphs(count).filter((each) => !said.includes(each)).length;
  const live = {
    composers: history.filter((row) => row.startsWith("› ") || row === "›").length,
    statusLines: history.filter((row) => row.includes("? keys")).length,
    runLines: history.filter((row) => row.includes("esc to cancel")).length,
  };
  expect({ wrong, broken, live }, text).toEqual({
    wrong: [],
    broken: 0,
    // The prompt that was sent, and the one that is written.
    live: { composers: 2, statusLines: 1, runLines: 0 },
  });
}

test.skipIf(!hasTmux)(
  "in tmux an idle conversation is there once, whatever sizes the window takes",
  async () => {
    const { world, tmux } = await open(100, 30);
    world.model.enqueue(say(`${paragraphs(12).join("\n\n")}\n`));
    await tmux.type("tell me\r");
    await tmux.until(
      (window) => /end11\./.test(window.join(" ")) && !/Working/.test(window.join(" ")),
      "the answer",
    );
    await settle(tmux);
    await expectWhole(tmux, 12);
    for (const [columns, rows] of [
      [70, 30],
      [100, 30],
      [120, 30],
      [120, 14],
      [60, 40],
      [100, 30],
    ] as const) {
      await tmux.resize(columns, rows);
      await settle(tmux);
      await expectWhole(tmux, 12);
    }
    for (let columns = 100; columns >= 50; columns -= 3) await tmux.resize(columns, 30 - (columns % 7));
    await settle(tmux);
    await expectWhole(tmux, 12);
    for (let columns = 50; columns <= 110; columns += 4) await tmux.resize(columns, 24 + (columns % 5));
    await settle(tmux);
    await expectWhole(tmux, 12);
  },
);

test.skipIf(!hasTmux)(
  "in tmux a conversation that streams is there once, whatever sizes the window takes",
  async () => {
    const { world, tmux } = await open(100, 30);
    const sizes = [
      [70, 30],
      [100, 30],
      [120, 36],
      [80, 20],
      [64, 30],
      [100, 30],
    ] as const;
    // The text is held back in the middle of a paragraph for every size, and goes on while the size changes.
    const gates = sizes.map(() => createGate());
    const pieces = paragraphs(30).flatMap((text, index): Piece[] => {
      const words = `${text}\n\n`.split(/(?<= )/);
      const gate = index % 5 === 3 ? gates[Math.floor(index / 5)] : undefined;
      return words.flatMap((word, at): Piece[] =>
        gate !== undefined && at === 3 ? [{ until: gate.passed }, word] : [word],
      );
    });
    world.model.enqueue(say(...pieces));
    await tmux.type("tell me\r");
    for (const [index, [columns, rows]] of sizes.entries()) {
      await tmux.until(
        (window) => window.join(" ").includes(`begin${index * 5 + 3}`),
        `paragraph ${index * 5 + 3}`,
      );
      gates[index]?.open();
      await tmux.resize(columns, rows);
      await settle(tmux);
    }
    await tmux.until(
      (window) => /end29\./.test(window.join(" ")) && !/Working/.test(window.join(" ")),
      "the answer",
    );
    await settle(tmux);
    await expectWhole(tmux, 30);
  },
);
