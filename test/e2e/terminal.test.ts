// The built hearth in pseudo-terminals, with an emulator reading what a person would see.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseDaemonFile } from "../../src/protocol/daemon-file.ts";
import { createGate, eventually } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { readProcess } from "../support/processes.ts";
import type { Pty } from "../support/pty.ts";
import { connectTestPty, isConnected, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

/** A command that is asked about. */
const question = { call: "bash", input: { command: "touch asked.txt && echo made it" } };

/** How often a text stands on the screen and in its scrollback. */
const count = (pty: Pty, text: string) => pty.text().split(text).length - 1;

test("what is typed before the terminal has loaded is in the prompt, and the first prompt is answered", async () => {
  const world = await openWorld();
  const pty = openTestPty(world);
  await pty.until((text) => text.includes("›"), "the first frame");
  pty.type("hello there");
  await pty.until(
    (text) => isConnected(text) && text.includes("› hello there"),
    "the prompt in the real terminal",
  );
  world.model.enqueue(say("Hello **you**.\n\n- one\n- two\n"));
  pty.type("\r");
  await pty.until((text) => text.includes("two") && !text.includes("Working"), "the answer");
  expect(pty.text()).toContain("● Hello you.");
  expect(count(pty, "hello there")).toBe(2); // the prompt, and the session's title in the status line
});

test("text appears while it streams, once, and stays in the scrollback", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  const gate = createGate();
  const paragraphs = Array.from({ length: 30 }, (_, index) => `Paragraph ${index} of the answer.`);
  world.model.enqueue(say("It begins", { until: gate.passed }, ` here.\n\n${paragraphs.join("\n\n")}\n`));
  pty.type("tell me\r");
  await pty.until((text) => text.includes("It begins") && text.includes("Working"), "the first words");
  await pty.until(
    (text) => /Working \d:\d\d · ~\d+ tokens? · esc to cancel/.test(text),
    "an estimate of its tokens",
  );
  gate.open();
  await pty.until((text) => text.includes("Paragraph 29") && !text.includes("Working"), "the end");
  const rows = pty.emulator.everything().filter((row) => row.includes("Paragraph"));
  expect(rows.map((row) => row.trim())).toEqual(paragraphs);
  expect(count(pty, "It begins here.")).toBe(1);
  expect(pty.emulator.written).not.toContain("\x1b[3J");
});

test("a question stands in both terminals, the first answer counts and withdraws it in the other", async () => {
  const world = await openWorld();
  const first = await connectTestPty(world);
  world.model.enqueue(say("I will make it.", question), say("It is made.\n"));
  first.type("make it\r");
  await first.until((text) => text.includes("wants to run a command"), "the question");
  const second = await connectTestPty(world, { columns: 100 });
  await second.until(
    (text) => text.includes("wants to run a command"),
    "the question in the second terminal",
  );
  await first.until((text) => text.includes("attached"), "word of the second terminal");
  second.type("1");
  for (const pty of [first, second]) {
    await pty.until((text) => text.includes("It is made.") && !text.includes("Working"), "the end");
    expect(pty.text()).not.toContain("wants to run a command");
    expect(count(pty, "allowed once by")).toBe(1);
  }
  expect(second.text()).toContain("allowed once by you");
  expect(first.text()).not.toContain("allowed once by you");
});

test("a digit that goes on a prompt under way is text, even when a question appears meanwhile", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  const gate = createGate();
  world.model.enqueue(say("Wait.", { until: gate.passed }, question), say("Not made.\n"));
  pty.type("make it\r");
  await pty.until((text) => text.includes("Wait."), "the stream");
  pty.type("item ");
  gate.open();
  await pty.until((text) => text.includes("wants to run a command"), "the question");
  pty.type("x1");
  await pty.until((text) => text.includes("› item x1"), "the digit in the prompt");
  expect(pty.text()).toContain("wants to run a command");
  // Emptied, the prompt gives the keys back to the question.
  pty.type("\x15\t4");
  await pty.until((text) => text.includes("why not?"), "the reason asked for");
  pty.type("not now\r");
  await pty.until((text) => text.includes("Not made.") && !text.includes("Working"), "the end");
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("not now");
});

test("one Escape cancels, what was queued is held and shown in both terminals, and Enter sends it on", async () => {
  const world = await openWorld();
  const first = await connectTestPty(world);
  world.model.enqueue(say("Working on it", { stop: "hang" }), say("The second answer.\n"));
  first.type("first thing\r");
  const request = await world.model.nextRequest();
  await first.until((text) => text.includes("Working on it"), "the stream");
  const second = await connectTestPty(world);
  await second.until((text) => text.includes("Working on it"), "the stream in the second terminal");
  second.type("second thing\r");
  for (const pty of [first, second]) await pty.until((text) => text.includes("queue 1"), "the queue");
  first.type("\x1b");
  expect((await request.closed).by).toBe("client");
  for (const pty of [first, second]) {
    await pty.until((text) => /Cancel+ed/.test(text) && text.includes("held"), "the held queue");
  }
  first.type("\r");
  for (const pty of [first, second]) {
    await pty.until(
      (text) => text.includes("The second answer.") && !text.includes("Working 0"),
      "the answer",
    );
    expect(count(pty, "The second answer.")).toBe(1);
  }
});

test("Ctrl+D on an empty prompt leaves, the run goes on, and the next terminal joins it", async () => {
  const world = await openWorld();
  const gate = createGate();
  world.model.enqueue(say("It takes long", { until: gate.passed }, " and is done.\n"));
  const first = await connectTestPty(world);
  first.type("something long\r");
  await first.until((text) => text.includes("It takes long"), "the stream");
  first.type("\x04");
  expect(await first.exited).toBe(0);
  expect(first.text()).toContain("work continues");
  const second = await connectTestPty(world);
  await second.until(
    (text) => text.includes("It takes long") && text.includes("back in"),
    "the run in the second terminal",
  );
  gate.open();
  await second.until((text) => text.includes("and is done.") && !text.includes("Working"), "the end");
  expect(count(second, "It takes long and is done.")).toBe(1);
});

test("a draft outlives the daemon's sudden death, and the terminal comes back by itself", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  world.model.enqueue(say("Half of an answer", { stop: "hang" }));
  pty.type("go\r");
  await pty.until((text) => text.includes("Half of an answer"), "the stream");
  pty.type("my draft");
  await pty.until((text) => text.includes("› my draft"), "the draft");
  await world.kill();
  await pty.until((text) => text.includes("Interrupted"), "the end of the run, from the next daemon");
  await pty.until((text) => !text.includes("Lost the daemon"), "the connection");
  expect(pty.text()).toContain("› my draft");
  // What was streamed in the last moment before the death may be lost, but it is never shown twice.
  expect(count(pty, "Half of an answer")).toBeLessThanOrEqual(1);
  world.model.enqueue(say("Here again.\n"));
  pty.type("\r");
  await pty.until((text) => text.includes("Here again."), "an answer from the new daemon");
  // Gone before the daemon is stopped: an attached terminal would start the next one.
  pty.type("\x04");
  await pty.exited;
  await stopDaemon(world);
});

/** The daemon that a terminal has started itself. */
async function stopDaemon(world: World): Promise<void> {
  const { pid } = parseDaemonFile(readFileSync(`${world.home.dir}/run/daemon.json`, "utf8")) ?? {};
  if (pid === undefined) throw new Error("no daemon has written its file");
  process.kill(pid, "SIGTERM");
  await eventually(() => readProcess(pid) === undefined, "the end of the daemon");
}
