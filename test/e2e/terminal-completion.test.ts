// Lists over the prompt, and commands for the shell, in the built program.
import { expect, test } from "vitest";
import { say } from "../support/model-server.ts";
import type { Pty } from "../support/pty.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

const window = (pty: Pty) => pty.emulator.window().join("\n");

test("while a turn runs, Escape closes the list of commands first and cancels only then", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  world.model.enqueue(say("Working on it", { stop: "hang" }));
  pty.type("first thing\r");
  await world.model.nextRequest();
  await pty.until((text) => text.includes("Working on it"), "the stream");
  pty.type("/mo");
  await pty.until((text) => text.includes("› /model"), "the list");
  pty.resize(60, 12);
  await pty.until(() => window(pty).includes("› /model") && window(pty).includes("› /mo"), "the list again");
  expect(window(pty).split("/model").length - 1).toBe(1);
  pty.type("\x1b");
  await pty.until(() => !window(pty).includes("/model"), "the list closed");
  expect(window(pty)).toMatch(/Working \d/);
  expect(window(pty)).toContain("› /mo");
  pty.type("\x1b");
  await pty.until((text) => text.includes("Canceled"), "the cancel");
  expect(window(pty)).toContain("› /mo");
});

test("! runs a command that streams into both terminals, Escape stops it, and the agent knows what it said", async () => {
  const world = await openWorld();
  const first = await connectTestPty(world);
  first.type("!echo from-the-shell; sleep 600; echo nev''er\r");
  await first.until((text) => text.includes("│ from-the-shell"), "its first output");
  const second = await connectTestPty(world);
  await second.until((text) => text.includes("│ from-the-shell"), "its output in the second terminal");
  for (const pty of [first, second]) expect(pty.text()).toContain("! echo from-the-shell");
  second.type("\x1b");
  for (const pty of [first, second]) await pty.until((text) => text.includes("Canceled"), "its end");
  expect(first.text()).not.toContain("│ never");
  world.model.enqueue(say("I see it.\n"));
  first.type("what did it say?\r");
  await first.until((text) => text.includes("I see it."), "the answer");
  expect(JSON.stringify((await world.model.request(0)).body)).toContain("from-the-shell");
  first.type("\x1b[A\x1b[A");
  await first.until((text) => text.includes("$ !echo from-the-shell"), "the command in the history");
});
