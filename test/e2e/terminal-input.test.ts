// What reaches the built program from a terminal: pastes, dragged files, many prompts at once.
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lastPrompt, say } from "../support/model-server.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

test.skipIf(process.platform !== "linux")(
  "an image that cannot be read ends nothing, and is said",
  async () => {
    const world = await openWorld();
    const path = join(world.home.dir, "cat.png");
    symlinkSync("/proc/self/mem", path);
    const pty = await connectTestPty(world, { columns: 100 });
    pty.type(`\x1b[200~${path}\x1b[201~`);
    await pty.until(
      (text) => text.includes("Not attached") && text.includes("cat.png"),
      "why it is not attached",
    );
    world.model.enqueue(say("Still here.\n"));
    pty.type("\r");
    await pty.until((text) => text.includes("Still here."), "an answer");
  },
);

test("twenty lines pasted by a terminal that does not bracket them are one draft, sent by nobody", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world, { columns: 100 });
  const lines = Array.from({ length: 20 }, (_, line) => `pasted line ${line}`);
  pty.type(`${lines.join("\r")}\r`);
  await pty.until((text) => text.includes("pasted #1 · 20 lines"), "the paste");
  expect(world.model.requests).toHaveLength(0);
  world.model.enqueue(say("Read.\n"));
  pty.type("\r");
  await pty.until((text) => text.includes("Read."), "the answer");
  expect(lastPrompt(world.model.requests[0] as never)).toContain(lines.join("\n"));
});

test("prompts of one terminal are accepted in the order in which they were typed", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world, { columns: 100 });
  const prompts = Array.from({ length: 12 }, (_, index) => `prompt number ${index}.`);
  world.model.enqueue(...prompts.map((text) => say(`Answer to ${text}\n`)));
  for (const text of prompts) pty.type(`\x1b[200~${text}\x1b[201~\r`);
  await pty.until((text) => text.includes("Answer to prompt number 11."), "the last answer");
  const asked = world.model.requests.map(lastPrompt).filter((text) => prompts.includes(text));
  expect(asked).toEqual(prompts);
});
