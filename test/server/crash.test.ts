// design.md G12, with G2 and G8: kill -9 of the built daemon at any moment.
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { createGate, eventually } from "../support/happenings.ts";
import { refuse, say, sentText, silence, toolResults } from "../support/model-server.ts";
import { isAlive } from "../support/processes.ts";
import {
  chosenRunId,
  errorsTold,
  expectStreamTellsTheTruth,
  lastAnswer,
  openWorld,
  outline,
  sawText,
  toolRunning,
  toolsOf,
  type World,
} from "../support/world.ts";

/** Reads the store beside the daemon, as a second process may. */
function rows<T>(world: World, sql: string, ...values: unknown[]): T[] {
  const db = new Database(world.home.database, { readonly: true });
  try {
    return db.prepare<unknown[], T>(sql).all(...values);
  } finally {
    db.close();
  }
}

/** Resolves when streamed text is in the store, in the part or in the rows that wait to be folded into it. */
const stored = (world: World, text: string) =>
  eventually(
    () =>
      rows<{ text: string }>(
        world,
        `SELECT p.text || coalesce((SELECT group_concat(text, '' ORDER BY id) FROM part_deltas WHERE part_id = p.id), '')
           AS text FROM parts p`,
      ).some((row) => row.text.includes(text)),
    `"${text}" in the store`,
    2000, // it promises 250 ms
  );

describe("a daemon that is killed", () => {
  test("in the middle of an answer keeps the text, ends the run interrupted, and takes the next prompt", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(say({ reasoning: "thinking about it" }, "The first half", { stop: "hang" }));
    const { run_id } = await before.prompt("tell me");
    await sawText(before, "The first half");
    await stored(world, "The first half");
    await world.kill();
    expect(before.events.all("run.completed")).toEqual([]);

    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    const end = await after.completed(run_id);
    expect(end).toMatchObject({ outcome: "interrupted", text: "The first half" });
    expect(outline(await after.messages())).toEqual(["user: tell me", "assistant: interrupted"]);
    const parts = (await after.messages()).at(-1)?.parts ?? [];
    expect(parts.map((part) => part.type)).toEqual(expect.arrayContaining(["reasoning", "text"]));

    world.model.enqueue(say("Here is the rest."));
    expect(await after.ask("go on")).toMatchObject({ outcome: "end_turn", text: "Here is the rest." });
    const request = await world.model.requestSaying("go on");
    expect(sentText(request)).toContain("The first half");
    expect(world.model.requests).toHaveLength(2);
  });

  test("after very much text loses nothing of what was shown 250 ms before", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    const words = Array.from({ length: 1000 }, (_, index) => `word${index} `);
    world.model.enqueue(say(...words, { stop: "hang" }));
    const { run_id } = await before.prompt("tell me");
    await sawText(before, "word999 ");
    await stored(world, "word999 ");
    await world.kill();
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    expect((await after.completed(run_id)).text).toBe(words.join(""));
  });

  test("in the middle of a tool call closes the call as interrupted and leaves no process behind", async () => {
    const world = await openWorld({ session: { mode: "yolo" } });
    const before = await world.terminal("first");
    const command =
      "trap '' TERM HUP; (setsid sleep 300 &) ; sleep 300 & echo started; while :; do sleep 0.2; done";
    world.model.enqueue(say("Running it.", { call: "bash", input: { command }, id: "call_running" }));
    const { run_id } = await before.prompt("run it");
    await toolRunning(before, "started");
    const children = toolsOf(world);
    expect(children.length).toBeGreaterThanOrEqual(2);
    await world.kill();
    await eventually(() => children.filter(isAlive).length === 0, "the tool's processes to be gone");

    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    expect((await after.completed(run_id)).outcome).toBe("interrupted");
    const call = (await after.messages())
      .flatMap((message) => message.parts)
      .find((part) => part.type === "tool_call");
    expect(call).toMatchObject({ status: "interrupted", tool_call_id: "call_running" });
    expect(await after.ask("what happened?")).toMatchObject({ outcome: "end_turn" });
    const request = await world.model.requestSaying("what happened?");
    expect(toolResults(request).map((result) => result.id)).toEqual(["call_running"]);
  });

  test("in the middle of a tool call's arguments can go on: the history has one result for every call", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(
      say(
        "Let me write.",
        { call_begin: "write", id: "call_half" },
        { args: '{"path":"a.txt","cont' },
        { stop: "hang" },
      ),
    );
    const { run_id } = await before.prompt("write it");
    await sawText(before, "Let me write.");
    await stored(world, "Let me write.");
    await world.kill();
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    expect((await after.completed(run_id)).outcome).toBe("interrupted");
    expect((await after.ask("again")).outcome).toBe("end_turn");
    const request = await world.model.requestSaying("again");
    const calls = request.body.messages.flatMap(
      (message) => (message["tool_calls"] as unknown[] | undefined) ?? [],
    );
    expect(toolResults(request)).toHaveLength(calls.length);
  });

  test("while a question is open withdraws it, and the call was never run", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(say({ call: "write", input: { path: "new.txt", content: "hello" } }));
    const { run_id } = await before.prompt("write it");
    const question = await before.question();
    await world.kill();
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    const resolved = await after.events.until("permission.resolved");
    expect(resolved.payload.permission).toMatchObject({ id: question.id, state: "canceled" });
    expect((await after.completed(run_id)).outcome).toBe("interrupted");
    expect((await after.snapshot()).permissions).toEqual([]);
    const reply = await after.api.call("POST", after.path(`/permissions/${question.id}`), {
      body: { decision: "allow_once" },
    });
    expect([404, 409]).toContain(reply.status);
    expect((await after.ask("next")).outcome).toBe("end_turn");
  });

  test("with a queue keeps it in order, runs nothing until a client is there, and then each prompt once", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(silence());
    const active = await before.prompt("active");
    await world.model.request(0);
    const queued = [
      await before.prompt("queued one"),
      await before.prompt("queued two"),
      await before.prompt("queued three"),
    ];
    await world.kill();

    await world.restart();
    const reader = world.daemon.api("reader");
    const read = () =>
      reader.expect<{ runs: { id: string; state: string; outcome: string | null }[] }>(
        200,
        "GET",
        `/v1/workspaces/${world.wid}/sessions/${world.sid}/runs`,
      );
    const found = (await read()).runs.map((run) => [run.id, run.state, run.outcome]);
    expect(found).toEqual([
      [active.run_id, "completed", "interrupted"],
      ...queued.map((run) => [run.run_id, "queued", null]),
    ]);
    expect(world.model.requests).toHaveLength(1);

    const after = await world.terminal("first", { since: before.events.lastSeq() });
    for (const { run_id } of queued) expect((await after.completed(run_id)).outcome).toBe("end_turn");
    const asked = world.model.requests.slice(1).map((request) =>
      sentText(request)
        .match(/queued \w+/g)
        ?.at(-1),
    );
    expect(asked).toEqual(["queued one", "queued two", "queued three"]);
    expect(outline(await after.messages())).toEqual([
      "user: active",
      "assistant: interrupted",
      "user: queued one",
      "assistant: end_turn",
      "user: queued two",
      "assistant: end_turn",
      "user: queued three",
      "assistant: end_turn",
    ]);
  });

  test("between accept and start has the prompt queued, and it runs once", async () => {
    const world = await openWorld({ session: { mode: "yolo" } });
    const before = await world.terminal("first");
    // The canceled run unwinds for as long as its tool lives: the next prompt is accepted and cannot start.
    world.model.enqueue(
      say({ call: "bash", input: { command: "trap '' TERM; echo started; while :; do sleep 0.2; done" } }),
    );
    const first = await before.prompt("first");
    await toolRunning(before, "started");
    await before.cancel();
    const run_id = chosenRunId();
    const second = await before.prompt("second", { run_id });
    expect(second.state).toBe("accepted");
    await world.kill();
    expect(before.events.all("run.started").map((event) => event.payload.run.id)).toEqual([first.run_id]);

    await world.restart();
    // The client never heard its 202 and asks again under the same id.
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    const again = await after.prompt("second", { run_id });
    expect(again).toMatchObject({ run_id, message_id: second.message_id });
    expect((await after.completed(run_id)).outcome).toBe("end_turn");
    const third = await after.prompt("second", { run_id });
    expect(third.message_id).toBe(second.message_id);
    expect(outline(await after.messages())).toEqual([
      "user: first",
      "assistant: canceled",
      "user: second",
      "assistant: end_turn",
    ]);
    const conflict = await after.api.call("POST", after.path("/agent"), {
      body: { session_id: after.sid, prompt: "another", run_id },
    });
    expect([conflict.status, conflict.json]).toMatchObject([409, { error: { code: "run_id_conflict" } }]);
    expect(world.model.requests).toHaveLength(2);
  });

  test("right after a 202 has the prompt, whatever became of it, and ends it once", async () => {
    const world = await openWorld();
    world.model.script(() => say("Done."));
    const ids: string[] = [];
    let since: number | undefined;
    for (let round = 0; round < 4; round += 1) {
      const before = await world.terminal("first", { since });
      const { run_id } = await before.prompt(`round ${round}`);
      ids.push(run_id);
      await world.kill();
      since = before.events.lastSeq();
      await world.restart();
    }
    const last = await world.terminal("first", { since: 0 });
    for (const [round, run_id] of ids.entries()) {
      const end = await last.completed(run_id);
      expect(["end_turn", "interrupted"]).toContain(end.outcome);
      const asked = world.model.requests.filter((request) => sentText(request).endsWith(`round ${round}"}]`));
      expect(asked.length, `requests of round ${round}`).toBeLessThanOrEqual(1);
    }
    const users = outline(await last.messages()).filter((line) => line.startsWith("user"));
    expect(users).toEqual(ids.map((_, round) => `user: round ${round}`));
  });

  test("while a retry waits does not try again by itself after the restart", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(refuse(429, "slow down", { "retry-after": "30" }));
    const { run_id } = await before.prompt("hello");
    await before.events.until("message.updated", (event) =>
      event.payload.message.parts.some((part) => part.type === "notice" && part.code === "retry"),
    );
    await world.kill();
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    expect((await after.completed(run_id)).outcome).toBe("interrupted");
    expect((await after.ask("next")).outcome).toBe("end_turn");
    expect(world.model.requests).toHaveLength(2);
  });

  test("holds prompts that have waited more than ten minutes, and they go when they are told to", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(silence());
    await before.prompt("active");
    await world.model.request(0);
    const old = await before.prompt("old");
    const young = await before.prompt("young");
    await world.kill();
    const db = new Database(world.home.database);
    const long = new Date(Date.now() - 11 * 60_000).toISOString();
    db.prepare("UPDATE runs SET accepted_at = ? WHERE id = ?").run(long, old.run_id);
    db.close();
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    await after.events.until("run.held", (event) => event.payload.run.id === old.run_id);
    expect((await after.completed(young.run_id)).outcome).toBe("end_turn");
    expect((await after.snapshot()).runs.map((run) => [run.id, run.state])).toEqual([[old.run_id, "held"]]);
    await after.api.expect(200, "POST", after.path(`/sessions/${world.sid}/queue/resume`));
    expect((await after.completed(old.run_id)).outcome).toBe("end_turn");
  });

  test("and killed again while it recovers ends every run once", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    world.model.enqueue(say("Working", { stop: "hang" }));
    const active = await before.prompt("active");
    await sawText(before, "Working");
    const queued = await before.prompt("queued");
    await world.kill();
    for (let round = 0; round < 3; round += 1) {
      await world.restart();
      await world.kill();
    }
    await world.restart();
    const after = await world.terminal("first", { since: before.events.lastSeq() });
    expect((await after.completed(active.run_id)).outcome).toBe("interrupted");
    expect((await after.completed(queued.run_id)).outcome).toBe("end_turn");
    expect(after.events.all("run.completed")).toHaveLength(2);
    expect(world.model.requests).toHaveLength(2);
  });

  test("gives a client that stayed with its seq the very events it missed, and the present state", async () => {
    const world = await openWorld();
    const before = await world.terminal("first");
    const start = await before.snapshot();
    const gate = createGate();
    world.model.enqueue(say("one"), say("two", { until: gate.passed }));
    await before.ask("first");
    await before.prompt("second");
    await sawText(before, "two");
    await stored(world, "two");
    await world.kill();
    await world.restart();
    const since = before.events.lastSeq();
    const after = await world.terminal("first", { since });
    await after.events.until("run.completed");
    // What the first stream told and what the second one added are one stream.
    const joined = {
      ...after,
      events: { ...after.events, events: [...before.events.events, ...after.events.events] },
    };
    await expectStreamTellsTheTruth(joined, start);
    expect(errorsTold(after)).toEqual([]);
    expect(lastAnswer(await after.messages())).toEqual({ text: "two", finish: "interrupted" });
  });
});
