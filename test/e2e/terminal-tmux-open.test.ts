import { test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { type Piece, say } from "../support/model-server.ts";
import { hasTmux, type Tmux } from "../support/tmux.ts";
import {
  expectWhole,
  isIdleAfter,
  openInTmux,
  paragraphs,
  settle,
  settleAt,
} from "../support/tmux-conversation.ts";

const shows =
  (text: string) =>
  (window: readonly string[]): boolean =>
    window.join("\n").includes(text);

const text = (count: number, from = 0) => `${paragraphs(count, from).join("\n\n")}\n\n`;

/** Words of a paragraph of several rows that is still open. */
const openWords = (count: number) => "more words that come ".repeat(count);

async function resizeAll(tmux: Tmux, sizes: readonly (readonly [number, number])[], mark?: string) {
  for (const [columns, rows] of sizes) {
    await tmux.resize(columns, rows);
    await tmux.told(columns, rows);
    if (mark !== undefined) await tmux.until(shows(mark), mark);
  }
}

test.skipIf(!hasTmux)(
  "in tmux a question, queued prompts and a help that are open are there once at any size",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    const gate = createGate();
    world.model.enqueue(
      say(text(8), { call: "bash", input: { command: "touch a-file" } }),
      say(openWords(12), { until: gate.passed }, `\n\n${text(4, 8)}`),
    );
    await tmux.type("tell me\r");
    await tmux.until(shows("touch a-file"), "the question");
    for (const [columns, rows] of [
      [64, 30],
      [110, 22],
      [80, 34],
    ] as const) {
      await tmux.resize(columns, rows);
      await tmux.told(columns, rows);
    }
    await tmux.type("1");
    await tmux.until(shows("more words that come"), "what follows the answer");
    for (const prompt of ["second", "third", "fourth"]) {
      world.model.enqueue(say(`${prompt} is answered.`));
      await tmux.type(`the ${prompt} prompt\r`);
      await tmux.until(shows(`the ${prompt} prompt`), `the ${prompt} prompt in the queue`);
    }
    await resizeAll(tmux, [
      [60, 30],
      [104, 26],
    ]);
    await tmux.type("?");
    await tmux.until(shows("Keys"), "the help");
    await resizeAll(
      tmux,
      [
        [84, 30],
        [70, 20],
      ],
      "Keys",
    );
    await tmux.type("\x1b");
    await tmux.until(shows("esc to cancel"), "the run line");
    gate.open();
    await tmux.until(isIdleAfter("fourth is answered."), "the last answer");
    await settle(tmux);
    await expectWhole(tmux, 12, { prompts: 4 });
  },
);

test.skipIf(!hasTmux)(
  "in tmux a session picker that is open while the size changes leaves no trace",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    world.model.enqueue(say(text(12)));
    await tmux.type("tell me\r");
    await tmux.until(isIdleAfter("end11."), "the answer");
    await tmux.type("\x1bOQ"); // F2
    await tmux.until(shows("Sessions"), "the picker");
    await resizeAll(
      tmux,
      [
        [70, 30],
        [110, 24],
        [64, 12],
        [90, 30],
      ],
      "Sessions",
    );
    await tmux.type("\x1b");
    await settleAt(tmux, 90, 30);
    await expectWhole(tmux, 12);
  },
);

test.skipIf(!hasTmux)("in tmux windows of one to three rows lose and double nothing", async () => {
  const { world, tmux } = await openInTmux(100, 30);
  const gates = [createGate(), createGate(), createGate()];
  const pieces = gates.flatMap((gate, index): Piece[] => [
    text(4, index * 4),
    openWords(10),
    { until: gate.passed },
    `${openWords(4)}\n\n`,
  ]);
  world.model.enqueue(say(...pieces));
  await tmux.type("tell me\r");
  for (const [index, rows] of [3, 1, 2].entries()) {
    await tmux.until(shows("more words"), `open paragraph ${index}`);
    await tmux.resize(90 - index * 7, rows);
    await tmux.told(90 - index * 7, rows);
    gates[index]?.open();
    await tmux.resize(100, 30);
    await settleAt(tmux, 100, 30);
  }
  await tmux.until(isIdleAfter("end11."), "the answer");
  await settle(tmux);
  await expectWhole(tmux, 12);
});

test.skipIf(!hasTmux)(
  "in tmux a window lower than the live region, while a long paragraph streams, keeps every row once",
  async () => {
    const { world, tmux } = await openInTmux(80, 30);
    const [begun, over] = [createGate(), createGate()];
    world.model.enqueue(
      say(
        text(6),
        `longbegin ${openWords(60)}`,
        { until: begun.passed },
        openWords(20),
        { until: over.passed },
        `longend.\n\n${text(2, 6)}`,
      ),
    );
    await tmux.type("tell me\r");
    await tmux.until(
      (window) => window.filter((row) => row.includes("words that")).length > 10,
      "a high live region",
    );
    await tmux.resize(80, 8);
    await tmux.told(80, 8);
    begun.open();
    await settle(tmux);
    over.open();
    await tmux.until(isIdleAfter("end7."), "the answer");
    await tmux.resize(80, 30);
    await settleAt(tmux, 80, 30);
    await expectWhole(tmux, 8, { long: `longbegin ${openWords(80)}longend.` });
  },
);

test.skipIf(!hasTmux)(
  "in tmux terminals of other sizes that attach and detach leave the conversation whole",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    const gate = createGate();
    world.model.enqueue(say(text(10), openWords(12), { until: gate.passed }, `\n\n${text(2, 10)}`));
    await tmux.type("tell me\r");
    await tmux.until(shows("more words"), "an open paragraph");
    await tmux.attach(72, 24);
    await settle(tmux);
    await tmux.attach(118, 34);
    gate.open();
    await tmux.command("detach-client", "-s", "hearth");
    await tmux.until(isIdleAfter("end11."), "the answer");
    await tmux.attach(64, 20);
    await settleAt(tmux, 64, 20, 10);
    await tmux.command("detach-client", "-s", "hearth");
    await expectWhole(tmux, 12);
  },
);
