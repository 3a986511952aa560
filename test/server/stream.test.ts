// design.md §4: one stream a workspace, resumed anywhere, true at every moment, slowed by nobody.
import { expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Snapshot } from "../../src/protocol/snapshot.ts";
import { createGate, eventually, soon } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { comparable, replay } from "../support/replica.ts";
import { expectStreamTellsTheTruth, lastAnswer, openWorld, sawText, type World } from "../support/world.ts";

/** What a client that saw `first` up to `seq` and came back to `second` knows. */
const joined = (
  before: Snapshot,
  first: readonly HearthEvent[],
  second: readonly HearthEvent[],
  seq: number,
  until: number,
) =>
  replay(
    before,
    [...first.filter((event) => event.seq <= seq), ...second],
    until,
    before.messages[0]?.session_id ?? sidOf(before),
  );
const sidOf = (snapshot: Snapshot) => snapshot.sessions[0]?.id;

/** A conversation with reasoning, text, tools and a permission: every kind of event there is. */
async function playConversation(world: World) {
  const first = await world.terminal("first");
  const before = await first.snapshot();
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say({ reasoning: "let me see" }, "Reading. ", "Now.", { call: "read", input: { path: "a.txt" } }),
    say("Writing.", { call: "write", input: { path: "b.txt", content: "beta\n" } }),
    say("Run", "ning.", { call: "bash", input: { command: "touch one; echo two" } }),
    say("All ", "done."),
  );
  const { run_id } = await first.prompt("do things");
  await first.answer(await first.question((permission) => permission.kind === "edit"), "allow_once");
  await first.answer(await first.question((permission) => permission.kind === "execute"), "deny");
  expect((await first.completed(run_id)).outcome).toBe("end_turn");
  await first.ask("and again");
  return { first, before };
}

test("a client that comes back anywhere gets what it missed, once, in order, and ends in the present state", async () => {
  const world = await openWorld();
  const { first, before } = await playConversation(world);
  const now = await expectStreamTellsTheTruth(first, before);
  const told = [...first.events.events];
  for (const event of told.filter(({ seq }) => seq > before.seq && seq < now.seq)) {
    const back = await world.daemon.events(world.wid, "first", { since: event.seq });
    await back.untilSeq(now.seq);
    back.drop();
    const missed = back.events.filter((found) => found.seq <= now.seq);
    const expected = told.filter(
      (found) => found.seq > event.seq && found.seq <= now.seq && found.type !== "part.delta",
    );
    expect(missed.filter((found) => found.type !== "part.delta")).toEqual(expected);
    expect(comparable(joined(before, told, missed, event.seq, now.seq))).toEqual(comparable(now));
  }
});

test("Last-Event-ID resumes like since, and wins over it", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  await terminal.ask("one");
  const middle = terminal.events.lastSeq() ?? 0;
  await terminal.ask("two");
  const last = terminal.events.lastSeq() ?? 0;
  const back = await world.daemon.events(world.wid, "back", { since: 0, lastEventId: String(middle) });
  await back.untilSeq(last);
  expect(back.events[0]?.seq).toBeGreaterThan(middle);
  back.drop();
});

test("a client that comes back in the middle of an answer has the text so far and the rest, with no gap", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const before = await first.snapshot();
  const gates = [createGate(), createGate(), createGate()];
  world.model.enqueue(
    say(
      "one ",
      ...gates.flatMap((gate, index) => [{ until: gate.passed }, `word${index} `, `more${index} `]),
    ),
  );
  const { run_id } = await first.prompt("talk");
  await sawText(first, "one ");
  gates[0]?.open();
  await sawText(first, "more0 ");
  gates[1]?.open();
  await sawText(first, "more1 ");
  const middle = await first.snapshot();
  await first.events.untilSeq(middle.seq);
  expect(lastAnswer(middle.messages).text).toBe("one word0 more0 word1 more1 ");
  const told = first.events.events.filter((event) => event.seq > before.seq && event.seq <= middle.seq);
  for (const event of told) {
    const back = await world.daemon.events(world.wid, "back", { since: event.seq });
    await back.until("client.attached", (found) => found.payload.client.id === "back");
    const missed = back.events.filter((found) => found.seq <= middle.seq);
    back.drop();
    expect(comparable(joined(before, told, missed, event.seq, middle.seq))).toEqual(comparable(middle));
  }
  // One that came late has the snapshot, and the stream from there.
  const late = await world.terminal("late", { since: middle.seq });
  gates[2]?.open();
  await late.completed(run_id);
  const end = await expectStreamTellsTheTruth(late, middle);
  expect(lastAnswer(end.messages).text).toBe("one word0 more0 word1 more1 word2 more2 ");
});

test("a seq that never was, or no number at all, is answered with a resync and then the present", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  await terminal.ask("one");
  for (const read of [{ since: 999_999_999 }, { lastEventId: "999999999" }, { lastEventId: "abc" }]) {
    const lost = await world.daemon.events(world.wid, "lost", read);
    const resync = await lost.until("resync");
    expect(resync.payload.reason).not.toBe("");
    expect(lost.events[0]?.type).toBe("resync");
    const snapshot = await terminal.snapshot();
    expect(resync.seq).toBeLessThanOrEqual(snapshot.seq);
    const { run_id } = await terminal.prompt("more");
    await lost.until("run.completed", (event) => event.payload.run_id === run_id);
    lost.drop();
  }
});

test("since=0 of a young workspace replays it from its beginning", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const { run_id } = await terminal.prompt("one");
  await terminal.completed(run_id);
  const back = await world.daemon.events(world.wid, "back", { since: 0 });
  await back.until("session.created", (event) => event.payload.session.id === world.sid);
  await back.until("run.completed", (event) => event.payload.run_id === run_id);
  expect(back.all("resync")).toEqual([]);
  back.drop();
});

test("every client's state can be rebuilt from rows alone, by a daemon that has nothing in memory", async () => {
  const world = await openWorld();
  const { first, before } = await playConversation(world);
  const staying = await expectStreamTellsTheTruth(first, before);
  const told = [...first.events.events];
  await world.stop();
  await world.restart();

  const points = told.filter((event) => event.seq > before.seq && event.seq <= staying.seq);
  for (const event of points.filter((_, index) => index % 3 === 0)) {
    const back = await world.terminal(`from-${event.seq}`, { since: event.seq });
    const now = await back.snapshot();
    await back.events.untilSeq(now.seq);
    expect(back.events.all("resync")).toEqual([]);
    expect(comparable(joined(before, told, back.events.events, event.seq, now.seq))).toEqual(comparable(now));
    expect(now.messages).toEqual(staying.messages);
    back.events.drop();
  }
});

test("a replay of thousands of events is whole, while more of them happen", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  const path = terminal.path(`/sessions/${world.sid}`);
  const rename = (title: string) => terminal.api.expect(200, "PATCH", path, { body: { title } });
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => rename(`${round}-${index}`)));
  }
  const attaching = Array.from({ length: 4 }, (_, index) =>
    world.daemon.events(world.wid, `back-${index}`, { since: before.seq }),
  );
  await Promise.all(Array.from({ length: 200 }, (_, index) => rename(`meanwhile ${index}`)));
  await rename("the last");
  const now = await terminal.snapshot();
  await terminal.events.untilSeq(now.seq);
  const told = terminal.events.events.filter((event) => event.seq > before.seq && event.seq <= now.seq);
  expect(told.length).toBeGreaterThan(1700);
  for (const back of await Promise.all(attaching)) {
    await back.untilSeq(now.seq);
    expect(back.events.filter((event) => event.seq <= now.seq)).toEqual(told);
    back.drop();
  }
});

test("seq goes on rising over a restart, and the old streams resume in the new daemon", async () => {
  const world = await openWorld();
  const before = await world.terminal("first");
  await before.ask("one");
  const last = before.events.lastSeq() ?? 0;
  for (const end of ["stop", "kill"] as const) {
    await world[end]();
    await world.restart();
    const after = await world.terminal("first", { since: last });
    expect((await after.ask(`after ${end}`)).outcome).toBe("end_turn");
    expect(after.events.all("resync")).toEqual([]);
    expect(after.events.events.every((event) => event.seq > last)).toBe(true);
    after.events.drop();
  }
});

test("a client that never reads is cut off, delays nobody, and catches up when it comes back", async () => {
  // Its window takes all that is said here, so nothing is compacted.
  const world = await openWorld({
    config: (url) => {
      const config = localConfig(url);
      const big = config.providers?.["local"]?.models?.["big"];
      if (big !== undefined) big.context_window = 10_000_000;
      return config;
    },
  });
  const fast = await world.terminal("fast");
  const before = await fast.snapshot();
  const stuck = await world.terminal("stuck");
  const seenBefore = stuck.events.lastSeq() ?? 0;
  stuck.events.pause();

  const line = `${"x".repeat(1023)}\n`;
  const gate = createGate();
  const pieces = Array.from({ length: 100 }, () => line.repeat(8));
  world.model.script((_, index) => say(...pieces, ...(index === 11 ? [{ until: gate.passed }] : []), "end"));
  for (let round = 0; round < 11; round += 1) {
    const end = await fast.ask(`round ${round}`);
    expect(end.outcome).toBe("end_turn");
  }
  const { run_id } = await fast.prompt("the last");
  await fast.events.until("client.detached", (event) => event.payload.client.id === "stuck");
  gate.open();
  await fast.completed(run_id);
  stuck.events.resume();
  expect(await soon(stuck.events.closed, "the stuck stream's end")).toBeDefined();

  const now = await fast.snapshot();
  const since = stuck.events.lastSeq() ?? seenBefore;
  const back = await world.terminal("stuck", { since });
  await back.events.untilSeq(now.seq);
  const stream = [...stuck.events.events, ...back.events.events];
  expect(replay(before, stream, now.seq, world.sid).messages.toSorted((a, b) => a.seq - b.seq)).toEqual(
    now.messages,
  );
  const seqs = stream.map((event) => event.seq);
  expect(new Set(seqs).size).toBe(seqs.length);
});

test("a hundred clients all see the same run, and one that keeps dropping disturbs none of them", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const readers = await Promise.all(
    Array.from({ length: 99 }, (_, index) => world.daemon.events(world.wid, `reader-${index}`)),
  );
  const health = await first.api.expect<{ clients: number }>(200, "GET", "/v1/health");
  expect(health.clients).toBe(100);
  const gate = createGate();
  world.model.enqueue(say("one ", { until: gate.passed }, "two"));
  const { run_id } = await first.prompt("go");
  for (let round = 0; round < 10; round += 1) {
    const flaky = await world.daemon.events(world.wid, "flaky", { since: 0 });
    flaky.drop();
  }
  gate.open();
  for (const reader of readers) {
    const end = await reader.until("run.completed", (event) => event.payload.run_id === run_id);
    expect(end.payload.text).toBe("one two");
  }
  for (const reader of readers) reader.drop();
  await eventually(async () => {
    const now = await first.api.expect<{ clients: number }>(200, "GET", "/v1/health");
    return now.clients === 1;
  }, "all readers to be gone");
});

test("a snapshot is true at any moment of a running turn", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  world.home.write("a.txt", "alpha\n");
  const pieces = Array.from({ length: 200 }, (_, index) => `w${index} `);
  world.model.enqueue(
    say({ reasoning: "r1 " }, ...pieces, {
      call: "bash",
      input: { command: "for i in 1 2 3 4 5 6 7 8; do echo $i; done" },
    }),
    say(...pieces, { call: "read", input: { path: "a.txt" } }),
    say(...pieces),
  );
  const { run_id } = await terminal.prompt("go");
  let rounds = 0;
  while (terminal.events.all("run.completed").length === 0) {
    await expectStreamTellsTheTruth(terminal, before);
    rounds += 1;
  }
  expect((await terminal.completed(run_id)).outcome).toBe("end_turn");
  expect(rounds).toBeGreaterThan(1);
  await expectStreamTellsTheTruth(terminal, before);
});

test("the stream says that it is alive, and names every session of the workspace it speaks of", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  await terminal.ask("one");
  expect(terminal.events.comments()).toBeGreaterThan(0);
  const ofSession = terminal.events.events.filter((event) =>
    /^(message|part|run|permission|session)\./.test(event.type),
  );
  expect(ofSession.filter((event) => event.session_id !== world.sid).map((event) => event.type)).toEqual([]);
});
