// Leaving and coming back with the built program: the session that was left, and what happened to it meanwhile.
import { expect, test } from "vitest";
import type { Session } from "../../src/protocol/session.ts";
import { createGate } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { connectTestPty, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

const open = (world: World, args: readonly string[] = []) => connectTestPty(world, { columns: 100, args });
const CTRL_D = "\x04";

async function emptyWorld(): Promise<World> {
  const world = await openWorld();
  await world.daemon.api("test").expect(200, "DELETE", `/v1/workspaces/${world.wid}/sessions/${world.sid}`);
  return world;
}

test("who left while it worked comes back to that session, and is told what became of it", async () => {
  const world = await emptyWorld();
  const gate = createGate();
  world.model.enqueue(say("It begins. ", { until: gate.passed }, "It is done.\n"));
  const first = await open(world);
  const watcher = await world.terminal("watcher");
  first.type("a long turn\r");
  await first.until((text) => text.includes("It begins."), "the turn");
  first.type(CTRL_D);
  await first.exited;
  expect(first.text()).toContain("work continues · resume with: hearth -c");
  gate.open();
  await watcher.events.until("run.completed");
  const back = await open(world);
  await back.until((text) => text.includes("while you were away: done after 0:"), "what happened");
  expect(back.text()).toContain("It begins. It is done.");
  expect(back.text()).toContain('back in "a long turn"');
  back.type(CTRL_D);
  await back.exited;
  // Seen, and idle: from here on it comes back when it is asked for.
  const fresh = await open(world);
  await fresh.until((text) => text.includes('last here: "a long turn"'), "how to resume it");
  expect(fresh.text()).not.toContain("It is done.");
  fresh.type(CTRL_D);
  await fresh.exited;
  const resumed = await open(world, ["-c"]);
  await resumed.until((text) => text.includes("It is done."), "the session");
});

test("a terminal that is killed in the middle of a turn comes back to its question", async () => {
  const world = await emptyWorld();
  world.model.enqueue(say({ call: "bash", input: { command: "echo asked" } }), say("Answered.\n"));
  const first = await open(world);
  first.type("ask me\r");
  await first.until((text) => text.includes("allow once"), "the question");
  first.kill("SIGKILL");
  await first.exited;
  const back = await open(world);
  await back.until((text) => text.includes("a question waits for you"), "that it waits");
  expect(back.text()).toContain("echo asked");
});

test("a prompt given with the start is a new matter once the work that was left is done", async () => {
  const world = await emptyWorld();
  const gate = createGate();
  world.model.enqueue(say("Slow. ", { until: gate.passed }, "Over.\n"), say("Quick.\n"));
  const first = await open(world);
  const watcher = await world.terminal("watcher");
  first.type("slow work\r");
  await first.until((text) => text.includes("Slow."), "the turn");
  first.type(CTRL_D);
  await first.exited;
  gate.open();
  await watcher.events.until("run.completed");
  const next = openTestPty(world, { columns: 100, args: ["another thing"] });
  await next.until((text) => text.includes("Quick."), "the answer");
  expect(next.text()).not.toContain("Over.");
  expect(next.text()).toContain('"slow work": done after 0:');
});

test("a second terminal joins what people have open, and is counted where it is", async () => {
  const world = await emptyWorld();
  world.model.enqueue(say("For the person.\n"));
  const first = await open(world);
  first.type("by a person\r");
  await first.until((text) => text.includes("For the person.") && !text.includes("Working"), "the answer");
  const script = await world.daemon
    .api("script")
    .expect<{ session: Session }>(201, "POST", `/v1/workspaces/${world.wid}/sessions`, { body: {} });
  const gate = createGate();
  world.model.enqueue(say("For the script. ", { until: gate.passed }, "Done.\n"));
  await world.daemon.api("script").expect(202, "POST", `/v1/workspaces/${world.wid}/agent`, {
    body: { session_id: script.session.id, prompt: "by a script" },
  });
  const second = await open(world);
  await second.until((text) => text.includes('joined "by a person"'), "the session of the person");
  expect(second.text()).toMatch(/also on pts\/\d+/);
  expect(second.text()).not.toContain("For the script.");
  await first.until((text) => text.includes("attached") && text.includes("2 terminals"), "the second");
  second.type("/new\r");
  await first.until((text) => / left\n/.test(text), "that it went elsewhere");
  gate.open();
});

test("a deleted session leaves nobody stuck: who deleted it is said, and the draft goes on in a new one", async () => {
  const world = await emptyWorld();
  world.model.enqueue(say("An answer.\n"), say("In the new one.\n"));
  const first = await open(world);
  first.type("to be deleted\r");
  await first.until((text) => text.includes("An answer.") && !text.includes("Working"), "the answer");
  const second = await open(world);
  await second.until((text) => text.includes("An answer."), "the same session");
  second.type("my draft");
  await second.until((text) => text.includes("› my draft"), "the draft");
  first.type("/sessions\r");
  await first.until(() => first.emulator.isAlternate, "the picker");
  first.type("\x1bd\r");
  first.type("\x1b");
  await second.until(
    (text) => /"to be deleted" was deleted by pts\/\d+/.test(text) && text.includes("new session"),
    "who deleted it",
  );
  second.type(" goes on\r");
  await second.until((text) => text.includes("In the new one."), "an answer in the new session");
  expect(second.text()).toContain("› my draft goes on");
  expect(second.text()).not.toContain("Not sent");
});

test("an open session that is archived from the picker makes room for a new one, as with /archive", async () => {
  const world = await emptyWorld();
  world.model.enqueue(say("An answer.\n"));
  const pty = await open(world);
  pty.type("to be archived\r");
  await pty.until((text) => text.includes("An answer.") && !text.includes("Working"), "the answer");
  pty.type("/sessions\r");
  await pty.until(() => pty.emulator.isAlternate, "the picker");
  pty.type("\x1ba\x1b");
  await pty.until((text) => !pty.emulator.isAlternate && text.includes("new session"), "a new session");
});
