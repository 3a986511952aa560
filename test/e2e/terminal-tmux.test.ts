import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { type Piece, say } from "../support/model-server.ts";
import { hasTmux } from "../support/tmux.ts";
import {
  expectWhole,
  isIdleAfter,
  openInTmux,
  paragraphs,
  settle,
  settleAt,
} from "../support/tmux-conversation.ts";

/** The last one that is of several rows. */
const SHOWN = 10;

test("these tests have a tmux: install it (apt install tmux, brew install tmux) to run them", ({ skip }) => {
  if (!hasTmux) skip("tmux is not installed: what a change of size does in it was NOT tested");
  expect(hasTmux).toBe(true);
});

test.skipIf(!hasTmux)(
  "in tmux an idle conversation is there once, whatever sizes the window takes",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    world.model.enqueue(say(`${paragraphs(12).join("\n\n")}\n`));
    await tmux.type("tell me\r");
    await tmux.until(isIdleAfter("end11."), "the answer");
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
      await settleAt(tmux, columns, rows, SHOWN);
      await expectWhole(tmux, 12);
    }
  },
);

test.skipIf(!hasTmux)(
  "in tmux a window that is dragged narrower and wider leaves an idle conversation there once",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    world.model.enqueue(say(`${paragraphs(12).join("\n\n")}\n`));
    await tmux.type("tell me\r");
    await tmux.until(isIdleAfter("end11."), "the answer");
    // Step by step, once every size told, once as fast as they come.
    for (let columns = 97; columns >= 52; columns -= 9) {
      await tmux.resize(columns, 30);
      await tmux.told(columns, 30);
    }
    await settleAt(tmux, 52, 30, SHOWN);
    await expectWhole(tmux, 12);
    for (let columns = 52; columns <= 110; columns += 4) await tmux.resize(columns, 24 + (columns % 5));
    await settleAt(tmux, 108, 27, SHOWN);
    await expectWhole(tmux, 12);
    for (let columns = 108; columns >= 50; columns -= 3) await tmux.resize(columns, 30 - (columns % 7));
    await settleAt(tmux, 51, 28, SHOWN);
    await expectWhole(tmux, 12);
  },
);

test.skipIf(!hasTmux)(
  "in tmux a conversation that streams is there once, whatever sizes the window takes",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
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
      await settleAt(tmux, columns, rows);
    }
    await tmux.until(isIdleAfter("end29."), "the answer");
    await settle(tmux);
    await expectWhole(tmux, 30);
  },
);

test.skipIf(!hasTmux)(
  "in tmux a terminal that is stopped without warning and continued stands there once",
  async () => {
    const { world, tmux } = await openInTmux(100, 30);
    world.model.enqueue(say(`${paragraphs(12).join("\n\n")}\n`));
    await tmux.type("tell me\r");
    await tmux.until(isIdleAfter("end11."), "the answer");
    await settle(tmux);
    const pid = Number(await tmux.command("display-message", "-p", "-t", "hearth", "#{pane_pid}"));
    process.kill(pid, "SIGSTOP");
    process.kill(pid, "SIGCONT");
    await tmux.type("half a thought");
    await tmux.until((window) => window.some((row) => row.includes("› half a thought")), "the draft");
    await settle(tmux);
    await expectWhole(tmux, 12);
  },
);
