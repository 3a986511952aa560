// A terminal whose cursor cannot be moved, and a screen reader: lines, one after the other.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import type { PtyOptions } from "../support/pty.ts";
import { openTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

test.each([
  ["TERM=dumb", { env: { TERM: "dumb" } }],
  ["HEARTH_SCREEN_READER", { env: { HEARTH_SCREEN_READER: "true" } }],
  ["--screen-reader", { args: ["--screen-reader"] }],
  ["screen_reader in terminal.jsonc", { config: '{ "screen_reader": true }' }],
])(
  "with %s nothing is drawn twice, a question is answered by its number, and Ctrl+D leaves",
  async (_, { config, ...options }: PtyOptions & { config?: string }) => {
    const world = await openWorld();
    if (config !== undefined) writeFileSync(join(world.home.dir, "config", "terminal.jsonc"), config);
    world.model.enqueue(
      say("I will make it.", { call: "bash", input: { command: "touch it.txt" } }),
      say("It is made.\n"),
    );
    const pty = openTestPty(world, options);
    await pty.until((text) => text.includes("hearth 0"), "the header");
    pty.type("make it\n");
    await pty.until((text) => text.includes("1 allow once"), "the question");
    pty.type("1\n");
    await pty.until((text) => text.includes("It is made."), "the answer");
    for (const once of ["I will make it.", "1 allow once", "It is made."]) {
      expect(pty.text().split(once)).toHaveLength(2);
    }
    pty.type("/mode plan\n");
    await pty.until((text) => /^(?!\/).*mode plan/m.test(text), "the new mode");
    pty.type("/mode ask\n");
    await pty.until((text) => /^(?!\/).*mode ask/m.test(text), "the mode before");
    // An empty line allows nothing, a denial asks why, a list is answered by a number, and nothing is a dead end.
    world.model.enqueue(say({ call: "bash", input: { command: "touch that.txt" } }), say("Left alone.\n"));
    pty.type("and that\n");
    await pty.until((text) => text.split("4 deny").length === 3, "the second question");
    pty.type("\n");
    await pty.until((text) => text.includes("type a number from 1 to 4"), "what an empty line says");
    pty.type("4\n");
    await pty.until((text) => text.includes("Why not?"), "why");
    pty.type("not mine\n");
    await pty.until((text) => text.includes("Left alone."), "the end");
    expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("not mine");
    pty.type("/model\n");
    await pty.until((text) => /^1 .*default/m.test(text), "the models");
    pty.type("1\n");
    pty.type("/transcript\n");
    await pty.until((text) => text.split("It is made.").length === 3, "the transcript");
    pty.type("/help\n");
    await pty.until((text) => text.includes("an empty line closes it"), "the commands");
    pty.type("\n");
    world.model.enqueue(say("Still here.\n"));
    pty.type("hello\n");
    await pty.until((text) => text.includes("Still here."), "an answer after all lists");
    // No cursor is moved, nothing erased, no screen switched.
    expect(pty.emulator.written).not.toMatch(/\x1b\[[0-9;?]*[A-HJKfhlnrsu]/);
    pty.type("\x04");
    expect(await pty.exited).toBe(0);
  },
);

test("twenty pasted lines are one prompt, and no answer to a question", async () => {
  const world = await openWorld();
  const pasted = Array.from({ length: 20 }, (_, index) => `${index + 1}`);
  world.model.enqueue(
    say("Read them."),
    say({ call: "bash", input: { command: "touch it.txt" } }),
    say("Denied."),
  );
  const pty = openTestPty(world, { env: { TERM: "dumb" } });
  await pty.until((text) => text.includes("hearth 0"), "the header");
  pty.type(pasted.map((line) => `${line}\n`).join(""));
  await pty.until((text) => text.includes("Read them."), "the answer");
  expect(world.model.requests).toHaveLength(1);
  expect(JSON.stringify(world.model.requests[0]?.body)).toContain(pasted.join("\\n"));
  pty.type("make it\n");
  await pty.until((text) => text.includes("4 deny"), "the question");
  pty.type("1\n1\n1\n");
  await pty.until((text) => /queue.*1/i.test(text.slice(text.lastIndexOf("4 deny"))), "a prompt that waits");
  expect(existsSync(join(world.home.project, "it.txt"))).toBe(false);
  pty.type("\x04");
  expect(await pty.exited).toBe(0);
});

test("--no-animations draws no clock, and what streams is still shown", async () => {
  const world = await openWorld();
  const gate = createGate();
  world.model.enqueue(say("It begins", { until: gate.passed }, " and ends."));
  const pty = openTestPty(world, { args: ["--no-animations"] });
  await pty.until((text) => text.includes("local/big"), "a terminal that is connected");
  pty.type("go on\r");
  await pty.until(
    (text) => text.includes("It begins") && text.includes("Working · esc to cancel"),
    "the stream",
  );
  gate.open();
  await pty.until((text) => text.includes("and ends.") && !text.includes("Working"), "the end");
});
