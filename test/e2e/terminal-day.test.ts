import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import type { Pty } from "../support/pty.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

const ready = (world: World) => connectTestPty(world, { columns: 100, rows: 40 });

/** What the whole conversation says, from its own screen. */
async function transcript(pty: Pty): Promise<string[]> {
  pty.type("\x0f");
  await pty.until(
    () => pty.emulator.isAlternate && pty.emulator.window().at(-1)?.includes("end") === true,
    "the transcript",
  );
  const rows = pty.emulator.window().slice(0, -1);
  pty.type("q");
  await pty.until(() => !pty.emulator.isAlternate, "the prompt again");
  // Each terminal says who else asked; what was said is the same.
  return rows.filter((row) => row !== "" && !row.includes("from pts/"));
}

const isQuiet = (text: string) => !text.includes("Working 0") && !text.includes("Waiting for you");

/** Right behind typing a key still goes to the prompt, which it then has: Tab leads back to the question. */
async function allow(pty: Pty): Promise<void> {
  const isTyped = () => /^› 1$/m.test(pty.emulator.window().join("\n"));
  const isAsked = () => pty.emulator.window().join("\n").includes("wants to run");
  pty.type("1");
  await pty.until(() => isTyped() || !isAsked(), "an effect of the key");
  while (isTyped()) {
    pty.type("\x7f");
    await pty.until(() => !isTyped(), "the empty prompt");
    pty.type("\t1");
    await pty.until(() => isTyped() || !isAsked(), "an effect of the key");
  }
}

test("two terminals live through a day of prompts, questions, cancels, queues, deaths and returns with one truth", async () => {
  const world = await openWorld();
  const first = await ready(world);
  const ask = async (pty: Pty, text: string, answer: string, others: readonly Pty[]) => {
    world.model.enqueue(say(`${answer}\n`));
    pty.type(`${text}\r`);
    for (const each of [pty, ...others]) await each.until((shown) => shown.includes(answer), answer);
  };
  await ask(first, "good morning", "Morning answer.", []);
  const second = await ready(world);
  await second.until((text) => text.includes("Morning answer."), "the replay");
  await ask(second, "from the other side", "Second answer.", [first]);

  // A question in both, answered where it was not asked for.
  world.model.enqueue(say({ call: "bash", input: { command: "touch day.txt" } }), say("Touched it.\n"));
  first.type("touch a file\r");
  for (const pty of [first, second]) await pty.until((text) => text.includes("wants to run"), "the question");
  await allow(second);
  for (const pty of [first, second])
    await pty.until((text) => text.includes("Touched it.") && isQuiet(text), "the end");

  // Two prompts wait behind one that hangs; one is edited, the other withdrawn; Escape holds, Enter sends on.
  world.model.enqueue(say("Hanging on", { stop: "hang" }), say("The edited one ran.\n"));
  first.type("hang\r");
  for (const pty of [first, second]) await pty.until((text) => text.includes("Hanging on"), "the stream");
  second.type("to be edited\r");
  for (const pty of [first, second])
    await pty.until((text) => text.includes("queue 1  to be edited"), "the queue");
  first.type("to be dropped\r");
  for (const pty of [first, second])
    await pty.until((text) => text.includes("2  to be dropped"), "the longer queue");
  first.type("\x1b[A");
  await first.until((text) => text.includes("being edited"), "the last one in the composer");
  first.type("\x15\r");
  for (const pty of [first, second])
    await pty.until(
      (text) => !pty.emulator.window().join("\n").includes("2  to be dropped") && text.includes("queue 1"),
      "one withdrawn",
    );
  second.type("\x1b[A");
  await second.until((text) => text.includes("being edited"), "the other one in the composer");
  second.type(" well\r");
  for (const pty of [first, second])
    await pty.until((text) => text.includes("queue 1  to be edited well"), "the edited one");
  second.type("\x1b");
  for (const pty of [first, second]) await pty.until((text) => text.includes("held"), "the held queue");
  second.type("\r");
  for (const pty of [first, second])
    await pty.until((text) => text.includes("The edited one ran."), "its answer");

  // One terminal dies in the middle of a stream; the run goes on, and the next terminal has it all.
  const gate = createGate();
  world.model.enqueue(say("While one dies", { until: gate.passed }, ", the other sees the end.\n"));
  second.type("die now\r");
  for (const pty of [first, second]) await pty.until((text) => text.includes("While one dies"), "the stream");
  second.kill("SIGKILL");
  await second.exited;
  await first.until((text) => text.includes(" left"), "word of the loss");
  const third = await ready(world);
  await third.until((text) => text.includes("While one dies"), "the stream in the third");
  gate.open();
  for (const pty of [first, third])
    await pty.until((text) => text.includes("the other sees the end.") && isQuiet(text), "the end");

  first.type("/rename a long day\r");
  for (const pty of [first, third]) await pty.until((text) => text.includes("a long day"), "the new title");
  expect(await transcript(third)).toEqual(await transcript(first));
  for (const pty of [first, third]) {
    expect(pty.emulator.written).not.toContain("\x1b[3J");
    for (const once of ["Touched it.", "The edited one ran.", "the other sees the end."]) {
      if (pty.text().includes(once)) expect(pty.text().split(once)).toHaveLength(2);
    }
  }
});
