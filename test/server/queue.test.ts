// design.md G13, and §3: a waiting prompt's message stands at the end of the transcript until its run starts.
import { expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { createGate } from "../support/happenings.ts";
import { say, sentText, toolResults } from "../support/model-server.ts";
import {
  expectStreamTellsTheTruth,
  openWorld,
  outline,
  sawText,
  type Terminal,
  toolRunning,
  toolsOf,
} from "../support/world.ts";

const queuePath = (terminal: Terminal, run: { run_id: string }) =>
  terminal.path(`/sessions/${terminal.sid}/queue/${run.run_id}`);

/** One session whose first run is held open by a gate. */
async function openBusyWorld() {
  const world = await openWorld();
  const first = await world.terminal("first");
  const second = await world.terminal("second");
  const gate = createGate();
  world.model.enqueue(say("Working", { until: gate.passed }, " done."));
  const running = await first.prompt("running");
  await sawText(first, "Working");
  return { world, first, second, gate, running };
}

test("prompts posted while busy are shown everywhere, and start after the run before them", async () => {
  const { first, second, gate, running } = await openBusyWorld();
  const before = await second.snapshot();
  const one = await first.prompt("one");
  const two = await second.prompt("two");
  expect([one.queue_position, two.queue_position]).toEqual([1, 2]);
  for (const terminal of [first, second]) {
    for (const run of [one, two]) {
      await terminal.events.until("run.queued", (event) => event.payload.run.id === run.run_id);
      await terminal.events.until("message.created", (event) => event.payload.message.run_id === run.run_id);
    }
  }
  expect((await second.session()).queued).toBe(2);
  expect((await second.snapshot()).runs.map((run) => run.state)).toEqual(["active", "queued", "queued"]);
  await expectStreamTellsTheTruth(second, before);
  gate.open();
  for (const run of [running, one, two]) expect((await first.completed(run.run_id)).outcome).toBe("end_turn");
  await expectStreamTellsTheTruth(second, before);
  const started = first.events.all("run.started").map((event) => event.payload.run.id);
  expect(started).toEqual([running.run_id, one.run_id, two.run_id]);
});

test("a waiting prompt's message stands last, moves to its place when its run starts, and no model sees it before", async () => {
  const { world, first, gate, running } = await openBusyWorld();
  const one = await first.prompt("one");
  const waiting = (await first.messages()).find((message) => message.run_id === one.run_id);
  expect((await first.messages()).at(-1)?.run_id).toBe(one.run_id);
  gate.open();
  await first.completed(running.run_id);
  await first.completed(one.run_id);
  const moved = first.events
    .all("message.updated")
    .map((event) => event.payload.message)
    .find((message) => message.id === waiting?.id);
  expect(moved?.seq).toBeGreaterThan(waiting?.seq ?? Number.POSITIVE_INFINITY);
  expect(outline(await first.messages())).toEqual([
    "user: running",
    "assistant: end_turn",
    "user: one",
    "assistant: end_turn",
  ]);
  const seqs = (await first.messages()).map((message) => message.seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  const request = await world.model.request(1);
  expect(sentText(request).indexOf("Working done.")).toBeLessThan(sentText(request).indexOf('"one"'));
});

test("the requests of a run of several steps never contain a prompt that waits behind it", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const gate = createGate();
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say("First step.", { until: gate.passed }, { call: "read", input: { path: "a.txt" } }),
    say("Second step."),
  );
  const running = await terminal.prompt("running");
  await sawText(terminal, "First step.");
  const waiting = await terminal.prompt("SECRET OF THE FUTURE");
  gate.open();
  await terminal.completed(running.run_id);
  await terminal.completed(waiting.run_id);
  const [, second, third] = world.model.requests;
  expect(second && toolResults(second)).toHaveLength(1);
  expect(second && sentText(second)).not.toContain("SECRET OF THE FUTURE");
  expect(third && sentText(third)).toContain("SECRET OF THE FUTURE");
});

test("a queued prompt can be edited and withdrawn until it starts, by any client, and both see it", async () => {
  const { world, first, second, gate, running } = await openBusyWorld();
  const before = await first.snapshot();
  const one = await first.prompt("one");
  const two = await first.prompt("the withdrawn one");
  const edited = await second.api.expect<{ run: Run }>(200, "PATCH", queuePath(second, one), {
    body: { prompt: "one, but better" },
  });
  expect(edited.run).toMatchObject({ id: one.run_id, state: "queued" });
  await first.events.until("message.updated", (event) => textOf(event.payload.message) === "one, but better");

  const withdrawn = await second.api.expect<{ run: Run }>(200, "DELETE", queuePath(second, two));
  // Who did not hear the answer asks again.
  expect(await second.api.expect(200, "DELETE", queuePath(second, two))).toEqual(withdrawn);
  expect(withdrawn.run).toMatchObject({
    id: two.run_id,
    state: "completed",
    outcome: "canceled",
    canceled_by: "second",
  });
  expect((await first.completed(two.run_id)).outcome).toBe("canceled");
  expect((await first.session()).queued).toBe(1);
  await expectStreamTellsTheTruth(first, before);

  gate.open();
  await first.completed(running.run_id);
  expect((await first.completed(one.run_id)).outcome).toBe("end_turn");
  expect(sentText(await world.model.request(1))).toContain("one, but better");
  expect(JSON.stringify(world.model.requests.map((request) => request.body))).not.toContain(
    "the withdrawn one",
  );
  const users = outline(await first.messages()).filter((line) => line.startsWith("user"));
  expect(users.toSorted()).toEqual(["user: one, but better", "user: running", "user: the withdrawn one"]);
  await expectStreamTellsTheTruth(first, before);
});

test("a prompt that has started or is over can no longer be edited or withdrawn", async () => {
  const { first, gate, running } = await openBusyWorld();
  const change = async (method: string, body?: object) => {
    const reply = await first.api.call(method, queuePath(first, running), body ? { body } : {});
    return [reply.status, (reply.json as { error?: { code: string } }).error?.code];
  };
  expect(await change("PATCH", { prompt: "other" })).toEqual([409, "run_started"]);
  expect(await change("DELETE")).toEqual([409, "run_started"]);
  gate.open();
  expect(await first.completed(running.run_id)).toMatchObject({ outcome: "end_turn", text: "Working done." });
  expect(await change("PATCH", { prompt: "other" })).toEqual([409, "run_started"]);
  expect(await change("DELETE")).toEqual([409, "run_started"]);
  const missing = { run_id: `run_${"0".repeat(32)}` };
  expect((await first.api.call("DELETE", queuePath(first, missing))).status).toBe(404);
  expect((await first.api.call("PATCH", queuePath(first, missing), { body: { prompt: "x" } })).status).toBe(
    404,
  );
});

test("a prompt cannot be edited into nothing", async () => {
  const { first, gate } = await openBusyWorld();
  const one = await first.prompt("one");
  const reply = await first.api.call("PATCH", queuePath(first, one), { body: { prompt: "  " } });
  expect([reply.status, reply.json]).toMatchObject([400, { error: { code: "empty_prompt" } }]);
  gate.open();
  await first.completed(one.run_id);
  expect(outline(await first.messages())).toContain("user: one");
});

test("a held prompt can be edited, withdrawn and let go", async () => {
  const { world, first } = await openBusyWorld();
  const one = await first.prompt("one");
  const two = await first.prompt("two");
  expect((await first.cancel("active")).held).toEqual([one.run_id, two.run_id]);
  await first.api.expect(200, "PATCH", queuePath(first, one), { body: { prompt: "one, later" } });
  await first.api.expect(200, "DELETE", queuePath(first, two));
  expect((await first.completed(two.run_id)).outcome).toBe("canceled");
  expect((await first.snapshot()).runs.map((run) => [run.id, run.state])).toEqual([[one.run_id, "held"]]);
  const resumed = await first.api.expect<{ runs: Run[] }>(
    200,
    "POST",
    first.path(`/sessions/${world.sid}/queue/resume`),
  );
  expect(resumed.runs.map((run) => run.id)).toEqual([one.run_id]);
  expect((await first.completed(one.run_id)).outcome).toBe("end_turn");
  expect(sentText(await world.model.requestSaying("one, later"))).not.toContain('"two"');
});

test('a prompt delivered with "steer" joins the running turn at its next step and ends steered', async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  const gate = createGate();
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say("First step.", { until: gate.passed }, { call: "read", input: { path: "a.txt" } }),
    say("Seen it."),
  );
  const running = await terminal.prompt("running");
  await sawText(terminal, "First step.");
  const steer = await terminal.prompt("look left", { delivery: "steer" });
  gate.open();
  expect(await terminal.completed(running.run_id)).toMatchObject({ outcome: "end_turn", text: "Seen it." });
  expect((await terminal.completed(steer.run_id)).outcome).toBe("steered");
  expect(sentText(await world.model.request(1))).toContain("look left");
  expect(world.model.requests).toHaveLength(2);
  expect(outline(await terminal.messages())).toEqual([
    "user: running",
    "assistant: tool_use",
    "user: look left",
    "assistant: end_turn",
  ]);
  await expectStreamTellsTheTruth(terminal, before);
});

test('a prompt delivered with "steer" to an idle session is a prompt like any other', async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  expect(await terminal.ask("hello", { delivery: "steer" })).toMatchObject({ outcome: "end_turn" });
});

test("a queued prompt runs after the run before it was canceled alone, failed, or ran into its limit of steps", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.home.write("a.txt", "alpha\n");
  const gate = createGate();
  world.model.script((_, index) =>
    index < 1
      ? say("x", { until: gate.passed }, { call: "bash", input: { command: "echo started; true" } })
      : say("Fine."),
  );
  const limited = await terminal.prompt("limited", { max_steps: 1 });
  await sawText(terminal, "x");
  const next = await terminal.prompt("next");
  gate.open();
  expect((await terminal.completed(limited.run_id)).outcome).toBe("max_steps");
  expect((await terminal.completed(next.run_id)).outcome).toBe("end_turn");
});

test("deleting a session ends its run and its queue, and its tools", async () => {
  const world = await openWorld();
  const keeper = await world.terminal("keeper");
  const sid = (await world.createSession({ mode: "yolo" })).id;
  const terminal = await world.terminal("doomed", { sid });
  world.model.enqueue(say({ call: "bash", input: { command: "echo started; sleep 300" } }));
  const running = await terminal.prompt("running");
  await toolRunning(terminal, "started");
  const waiting = await terminal.prompt("waiting");
  const children = toolsOf(world).filter((child) => child.command.includes("sleep 300"));
  expect(children.length).toBeGreaterThan(0);
  await terminal.api.expect(200, "DELETE", terminal.path(`/sessions/${sid}`));
  for (const run of [running, waiting]) expect((await keeper.completed(run.run_id)).outcome).toBe("canceled");
  await keeper.events.until("session.deleted", (event) => event.payload.session.id === sid);
  expect((await terminal.api.call("GET", terminal.path(`/sessions/${sid}`))).status).toBe(404);
  expect((await keeper.snapshot()).sessions.map((session) => session.id)).not.toContain(sid);
  expect((await keeper.ask("still here?")).outcome).toBe("end_turn");
});

const textOf = (message: Message): string =>
  message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

test("a prompt that is taken back from the queue is told as that, to who is there and to who comes later", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say("Working", { stop: "hang" }));
  await terminal.prompt("first");
  const { run_id } = await terminal.prompt("update  the\nchangelog");
  const path = terminal.path(`/sessions/${world.sid}/queue/${run_id}`);
  await terminal.api.expect(200, "DELETE", path);
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  const [prompt, end] = (await terminal.messages()).filter((message) => message.run_id === run_id);
  expect(prompt).toMatchObject({ role: "user" });
  expect(end).toMatchObject({
    role: "assistant",
    finish_reason: "canceled",
    parts: [{ type: "notice", code: "withdrawn", text: "Withdrawn before it began: update the changelog" }],
  });
  await terminal.cancel();
});
