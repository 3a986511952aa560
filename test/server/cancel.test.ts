// design.md G5, G6, G7 and G9, from outside.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { say, sentText, silence } from "../support/model-server.ts";
import { isAlive } from "../support/processes.ts";
import {
  errorsTold,
  expectStreamTellsTheTruth,
  lastAnswer,
  openWorld,
  outline,
  sawText,
  toolRunning,
  toolsOf,
} from "../support/world.ts";

test("a cancel by another client ends the prompter's run as canceled and shows nobody an error", async () => {
  const world = await openWorld();
  const prompter = await world.terminal("prompter");
  const other = await world.terminal("other");
  world.model.enqueue(say("Working on it", { stop: "hang" }));

  const { run_id } = await prompter.prompt("do it");
  await sawText(other, "Working on it");
  expect(await other.cancel()).toEqual({ canceled: [run_id], held: [] });

  for (const terminal of [prompter, other]) {
    const end = await terminal.completed(run_id);
    expect(end).toMatchObject({ outcome: "canceled", canceled_by: "other", text: "Working on it" });
    expect(end.error).toBeUndefined();
    expect(errorsTold(terminal)).toEqual([]);
  }
  expect((await (await world.model.request(0)).closed).by).toBe("client");
  expect(outline(await prompter.messages())).toEqual(["user: do it", "assistant: canceled"]);
  expect(lastAnswer(await prompter.messages()).text).toBe("Working on it");
  expect((await prompter.session()).state).toBe("idle");
});

test("a cancel straight after the 202, before any output, leaves a prompt and a canceled answer", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script(silence);

  for (let round = 0; round < 5; round += 1) {
    const { run_id, message_id } = await terminal.prompt(`round ${round}`);
    expect((await terminal.cancel()).canceled).toEqual([run_id]);
    const end = await terminal.completed(run_id);
    expect(end.outcome).toBe("canceled");
    expect(end.error).toBeUndefined();
    expect(end.message_id).not.toBe(message_id);
    const turn = (await terminal.messages()).filter((message) => message.run_id === run_id);
    expect(outline(turn)).toEqual([`user: round ${round}`, "assistant: canceled"]);
    expect(turn[0]?.id).toBe(message_id);
  }
  expect(errorsTold(terminal)).toEqual([]);
});

test("an idle cancel answers with empty lists and does not touch the next prompt", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  expect(await terminal.cancel()).toEqual({ canceled: [], held: [] });
  expect(await terminal.cancel("active")).toEqual({ canceled: [], held: [] });
  expect((await terminal.ask("hello")).outcome).toBe("end_turn");
  expect(await terminal.cancel()).toEqual({ canceled: [], held: [] });
  expect((await terminal.ask("again")).outcome).toBe("end_turn");
  expect(outline(await terminal.messages())).toEqual([
    "user: hello",
    "assistant: end_turn",
    "user: again",
    "assistant: end_turn",
  ]);
});

test("a cancel after the run has started and before its first message is never a silent return", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script(silence);

  const first = await terminal.prompt("first");
  await terminal.events.until("run.started", (event) => event.payload.run.id === first.run_id);
  expect((await terminal.cancel()).canceled).toEqual([first.run_id]);
  expect((await terminal.completed(first.run_id)).outcome).toBe("canceled");

  const second = await terminal.prompt("second");
  const request = await world.model.requestSaying("second");
  expect((await terminal.cancel()).canceled).toEqual([second.run_id]);
  expect((await terminal.completed(second.run_id)).outcome).toBe("canceled");
  expect((await request.closed).by).toBe("client");
  expect(outline(await terminal.messages())).toEqual([
    "user: first",
    "assistant: canceled",
    "user: second",
    "assistant: canceled",
  ]);
});

test("whenever a cancel comes, what it names ends canceled and what it does not name had ended by itself", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script(() => say("a", "b", "c"));
  for (let round = 0; round < 40; round += 1) {
    const { run_id } = await terminal.prompt(`round ${round}`);
    for (let turn = 0; turn < round * 2; turn += 1) await nextTurn();
    const { canceled } = await terminal.cancel();
    const end = await terminal.completed(run_id);
    expect(canceled).toEqual(end.outcome === "canceled" ? [run_id] : []);
    if (end.outcome !== "canceled") expect(end).toMatchObject({ outcome: "end_turn", text: "abc" });
  }
  // A last one that nothing hinders: no cancel of before reaches it.
  expect((await terminal.ask("last")).outcome).toBe("end_turn");
});

test("a cancel takes the accepted follow-up with it, which never ends by itself", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script(() => say("Working", { stop: "hang" }));

  const first = await terminal.prompt("first");
  const second = await terminal.prompt("second");
  const third = await terminal.prompt("third");
  expect(second).toMatchObject({ state: "queued", queue_position: 1 });
  expect(third).toMatchObject({ state: "queued", queue_position: 2 });
  const { canceled } = await terminal.cancel();
  expect(canceled.toSorted()).toEqual([first.run_id, second.run_id, third.run_id].toSorted());
  for (const { run_id } of [first, second, third]) {
    expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  }
  expect(world.model.requests.length).toBeLessThanOrEqual(1);
  expect(outline(await terminal.messages())).toEqual([
    "user: first",
    "assistant: canceled",
    "user: second",
    "assistant: canceled",
    "user: third",
    "assistant: canceled",
  ]);
  world.model.script(() => say("Fine."));
  expect((await terminal.ask("fourth")).outcome).toBe("end_turn");
});

test('a cancel of scope "active" holds what is queued, and held prompts stand in nobody\'s way', async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const other = await world.terminal("other");
  world.model.enqueue(say("Working", { stop: "hang" }));

  const first = await terminal.prompt("first");
  const second = await terminal.prompt("second");
  const third = await other.prompt("third");
  await sawText(terminal, "Working");
  expect(await terminal.cancel("active")).toEqual({
    canceled: [first.run_id],
    held: [second.run_id, third.run_id],
  });
  expect((await terminal.completed(first.run_id)).outcome).toBe("canceled");
  for (const { run_id } of [second, third]) {
    await other.events.until("run.held", (event) => event.payload.run.id === run_id);
  }
  expect((await terminal.session()).queued).toBe(2);

  const fourth = await terminal.prompt("fourth");
  expect(fourth.queue_position).toBe(0);
  expect((await terminal.completed(fourth.run_id)).outcome).toBe("end_turn");
  const held = (await terminal.snapshot()).runs.map((run) => [run.id, run.state]);
  expect(held).toEqual([
    [second.run_id, "held"],
    [third.run_id, "held"],
  ]);
  const request = await world.model.requestSaying("fourth");
  expect(sentText(request)).not.toContain("second");
  expect(sentText(request)).not.toContain("third");

  await terminal.api.expect(200, "POST", terminal.path(`/sessions/${world.sid}/queue/resume`));
  expect((await terminal.completed(second.run_id)).outcome).toBe("end_turn");
  expect((await terminal.completed(third.run_id)).outcome).toBe("end_turn");
  const told = outline(await terminal.messages()).filter((line) => line.startsWith("user"));
  expect(told).toEqual(["user: first", "user: fourth", "user: second", "user: third"]);
});

test("a cancel ends the whole process group of a command, also one that ignores it, and its background jobs", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const command = "trap '' TERM; sleep 60 & echo bg $!; echo started; while :; do sleep 1; done";
  world.model.enqueue(say({ call: "bash", input: { command } }));

  const { run_id } = await terminal.prompt("run it");
  await toolRunning(terminal, "started");
  const children = toolsOf(world).filter((child) => child.command.includes("sleep"));
  expect(children.length).toBeGreaterThanOrEqual(2);
  await terminal.cancel();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  const call = (await terminal.messages())
    .flatMap((message) => message.parts)
    .find((part) => part.type === "tool_call");
  expect(call).toMatchObject({ status: "canceled" });
  // The next run waits until all that is dead.
  const next = await terminal.ask("next");
  expect(next.outcome).toBe("end_turn");
  expect(children.filter(isAlive)).toEqual([]);
});

test("a cancel withdraws the open question everywhere and the call is never run", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const other = await world.terminal("other");
  world.model.enqueue(say({ call: "write", input: { path: "new.txt", content: "hello" } }));
  const { run_id } = await terminal.prompt("write it");
  const question = await other.question();
  expect((await terminal.session()).state).toBe("waiting");
  await other.cancel();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  const resolved = await terminal.events.until("permission.resolved");
  expect(resolved.payload.permission).toMatchObject({
    id: question.id,
    state: "canceled",
    answered_by: null,
  });
  expect((await terminal.snapshot()).permissions).toEqual([]);
  const reply = await terminal.api.call("POST", terminal.path(`/permissions/${question.id}`), {
    body: { decision: "allow_once" },
  });
  expect(reply.status).toBe(409);
  expect((await terminal.ask("next")).outcome).toBe("end_turn");
  expect(world.model.requests).toHaveLength(2);
});

test("a prompt sent while a canceled run unwinds runs by itself once its tools are dead", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const command = "trap '' TERM; echo started; while :; do sleep 0.2; done";
  world.model.enqueue(say({ call: "bash", input: { command } }));
  const first = await terminal.prompt("first");
  await toolRunning(terminal, "started");
  const children = toolsOf(world);
  await terminal.cancel();
  const end = await terminal.events.until("run.completed", (event) => event.payload.run_id === first.run_id);
  const second = await terminal.prompt("second");
  expect(second).toMatchObject({ state: "accepted", queue_position: 0 });
  const third = await terminal.prompt("third");
  expect(third).toMatchObject({ state: "queued", queue_position: 1 });
  const started = await terminal.events.until(
    "run.started",
    (event) => event.payload.run.id === second.run_id,
  );
  expect(started.seq).toBeGreaterThan(end.seq);
  const shells = children.filter((child) => child.command.includes("trap"));
  expect(shells.filter(isAlive)).toEqual([]);
  expect((await terminal.completed(second.run_id)).outcome).toBe("end_turn");
  expect((await terminal.completed(third.run_id)).outcome).toBe("end_turn");
});

test("a cancel hits what is accepted behind a canceled run that still unwinds", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const command = "trap '' TERM; echo started; while :; do sleep 0.2; done";
  world.model.enqueue(say({ call: "bash", input: { command } }));
  const first = await terminal.prompt("first");
  await toolRunning(terminal, "started");
  expect((await terminal.cancel()).canceled).toEqual([first.run_id]);
  const second = await terminal.prompt("second");
  const third = await terminal.prompt("third");
  expect(await terminal.cancel("active")).toEqual({ canceled: [second.run_id], held: [third.run_id] });
  expect((await terminal.completed(second.run_id)).outcome).toBe("canceled");
  const fourth = await terminal.prompt("fourth");
  expect((await terminal.completed(fourth.run_id)).outcome).toBe("end_turn");
  expect(world.model.requests.map((request) => sentText(request).includes("third"))).not.toContain(true);
  await terminal.cancel();
  expect((await terminal.completed(third.run_id)).outcome).toBe("canceled");
});

test("what a model says after the cancel shows up nowhere", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const gate = createGate();
  world.model.enqueue(say("before", { until: gate.passed }, "LATE WORDS"));
  const { run_id } = await terminal.prompt("first");
  await sawText(terminal, "before");
  await terminal.cancel();
  gate.open();
  await terminal.completed(run_id);
  await terminal.ask("second");
  expect(JSON.stringify(terminal.events.events)).not.toContain("LATE WORDS");
  expect(JSON.stringify(await terminal.messages())).not.toContain("LATE WORDS");
});

test("what a command says after the cancel, in its last breath, shows up nowhere", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  const command =
    "trap 'echo LATE; sleep 0.3; echo LATER; exit' TERM; echo started; while :; do sleep 0.05; done";
  world.model.enqueue(say({ call: "bash", input: { command } }));
  const { run_id } = await terminal.prompt("first");
  await toolRunning(terminal, "started");
  await terminal.cancel();
  const end = await terminal.events.until("run.completed", (event) => event.payload.run_id === run_id);
  expect((await terminal.ask("second")).outcome).toBe("end_turn");
  const later = terminal.events.events.filter(
    (event) => event.seq > end.seq && event.type !== "run.completed",
  );
  const late = later.filter(
    (event) =>
      (event.type === "message.updated" && event.payload.message.run_id === run_id) ||
      (event.type === "part.delta" && /LATE/.test(event.payload.text)),
  );
  expect(late).toEqual([]);
  await expectStreamTellsTheTruth(terminal, before);
});

test("a hundred cancels at once end one run once", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say("Working", { stop: "hang" }));
  const { run_id } = await terminal.prompt("first");
  await sawText(terminal, "Working");
  const replies = await Promise.all(Array.from({ length: 100 }, () => terminal.cancel()));
  expect(replies.filter((reply) => reply.canceled.length > 0)).toHaveLength(1);
  await terminal.completed(run_id);
  expect((await terminal.ask("next")).outcome).toBe("end_turn");
  expect(terminal.events.all("run.completed")).toHaveLength(2);
});

test("sessions run side by side, and a cancel of one leaves the other alone", async () => {
  const world = await openWorld();
  const gate = createGate();
  world.model.script((request) =>
    sentText(request).includes("slow")
      ? say("slow", { until: gate.passed }, " done")
      : say("x", { stop: "hang" }),
  );
  const one = await world.terminal("one");
  const two = await world.terminal("two", { sid: (await world.createSession()).id });
  const slow = await one.prompt("slow");
  const doomed = await two.prompt("doomed");
  await Promise.all([world.model.requestSaying("slow"), world.model.requestSaying("doomed")]);
  expect((await two.cancel()).canceled).toEqual([doomed.run_id]);
  await two.completed(doomed.run_id);
  expect((await one.session()).state).toBe("running");
  gate.open();
  expect(await one.completed(slow.run_id)).toMatchObject({ outcome: "end_turn", text: "slow done" });
});

test("a cancel in the middle of a run of many steps leaves no call open", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  for (let index = 0; index < 50; index += 1) world.home.write(`f${index}.txt`, `file ${index}\n`);
  world.model.script((_, index) => say(`step ${index}`, { call: "read", input: { path: `f${index}.txt` } }));
  const { run_id } = await terminal.prompt("read them all");
  await world.model.request(3);
  await terminal.cancel();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  world.model.script(() => say("end"));
  expect(await terminal.ask("next")).toMatchObject({ outcome: "end_turn", text: "end" });
  const calls = (await terminal.messages())
    .flatMap((message) => message.parts)
    .filter((part) => part.type === "tool_call");
  expect(calls.length).toBeGreaterThanOrEqual(3);
  for (const call of calls) expect(["completed", "canceled"]).toContain(call.status);
});
