// design.md G4 and G10: the request owns nothing, and terminals come and go.
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createGate, eventually, soon } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import {
  chosenRunId,
  expectStreamTellsTheTruth,
  lastAnswer,
  openWorld,
  outline,
  sawText,
  type Terminal,
} from "../support/world.ts";

/** A prompt as bytes on a connection of its own, so that the test may hang up at any of them. */
function promptBytes(terminal: Terminal, body: object): Buffer {
  const json = JSON.stringify({ session_id: terminal.sid, ...body });
  const head = [
    `POST ${terminal.path("/agent")}?client_id=hangs-up HTTP/1.1`,
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(json)}`,
  ].join("\r\n");
  return Buffer.from(`${head}\r\n\r\n${json}`);
}

/** Resolves when the bytes have been handed to the kernel and the connection is gone. */
async function sendAndHangUp(socketPath: string, bytes: Buffer, how: "reset" | "end"): Promise<void> {
  const socket = connect(socketPath);
  socket.on("error", () => {}); // the daemon may answer a connection that is gone
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  if (how === "reset") socket.destroy();
  else socket.resume().end();
  await soon(closed, "the end of the connection");
}

test("a prompter that hangs up before it has its answer changes nothing: the run finishes", async () => {
  const world = await openWorld();
  const watcher = await world.terminal("watcher");
  for (const how of ["reset", "end"] as const) {
    const run_id = chosenRunId();
    await sendAndHangUp(
      world.daemon.socket,
      promptBytes(watcher, { prompt: `hung up by ${how}`, run_id }),
      how,
    );
    expect((await watcher.completed(run_id)).outcome).toBe("end_turn");
  }
});

test("a prompt of which only half arrives leaves no trace", async () => {
  const world = await openWorld();
  const watcher = await world.terminal("watcher");
  const bytes = promptBytes(watcher, { prompt: "half of it", run_id: chosenRunId() });
  await sendAndHangUp(world.daemon.socket, bytes.subarray(0, bytes.length - 20), "reset");
  expect((await watcher.ask("whole")).outcome).toBe("end_turn");
  expect(outline(await watcher.messages())).toEqual(["user: whole", "assistant: end_turn"]);
});

test("a run goes on when its prompter detaches, and the other terminal sees it finish", async () => {
  const world = await openWorld();
  const prompter = await world.terminal("prompter");
  const other = await world.terminal("other");
  const gate = createGate();
  world.model.enqueue(say("one ", { until: gate.passed }, "two"));
  const { run_id } = await prompter.prompt("go");
  await sawText(other, "one ");
  prompter.events.drop();
  await other.events.until("client.detached", (event) => event.payload.client.id === "prompter");
  gate.open();
  expect(await other.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "one two" });
});

test("a run goes on when everybody has left, and its end is there on return", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const second = await world.terminal("second");
  const gate = createGate();
  world.model.enqueue(say("one ", { until: gate.passed }, "two"));
  const { run_id } = await first.prompt("go");
  const queued = await second.prompt("then this");
  await sawText(first, "one ");
  const since = first.events.lastSeq();
  first.events.drop();
  second.events.drop();
  await eventually(async () => {
    const health = await first.api.expect<{ clients: number }>(200, "GET", "/v1/health");
    return health.clients === 0;
  }, "everybody to be gone");
  gate.open();
  await eventually(async () => {
    const runs = await first.runs();
    return runs.length === 2 && runs.every((run) => run.state === "completed");
  }, "both runs to be over");

  const back = await world.terminal("first", { since });
  expect(await back.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "one two" });
  expect((await back.completed(queued.run_id)).outcome).toBe("end_turn");
  expect(lastAnswer(await back.messages()).finish).toBe("end_turn");
});

test('with on_last_detach "cancel" a run ends with its last client, and not before', async () => {
  const world = await openWorld({ config: (url) => ({ ...localConfig(url), on_last_detach: "cancel" }) });
  const first = await world.terminal("first");
  const second = await world.terminal("second");
  world.model.enqueue(say("working", { stop: "hang" }));
  const { run_id } = await first.prompt("go");
  await sawText(second, "working");
  first.events.drop();
  await second.events.until("client.detached");
  expect((await second.session()).state).toBe("running");
  second.events.drop();
  const run = await eventually(async () => {
    const found = (await second.runs()).find((candidate) => candidate.id === run_id);
    return found?.state === "completed" && found;
  }, "the run to be canceled");
  expect(run).toMatchObject({ outcome: "canceled", error: null });
});

test("a terminal that attaches in mid-run disturbs nothing: cancel, busy and queue stay true in both", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const before = await first.snapshot();
  world.model.enqueue(say("Working", { stop: "hang" }));
  const running = await first.prompt("go");
  await sawText(first, "Working");

  const second = await world.terminal("second");
  const seen = await second.snapshot();
  expect(seen.runs.map((run) => [run.id, run.state])).toEqual([[running.run_id, "active"]]);
  expect(seen.sessions.find((session) => session.id === world.sid)?.state).toBe("running");
  expect(lastAnswer(seen.messages)).toEqual({ text: "Working", finish: null });

  const waiting = await second.prompt("and then");
  expect(waiting.state).toBe("queued");
  await first.events.until("run.queued", (event) => event.payload.run.id === waiting.run_id);
  expect((await first.session()).queued).toBe(1);
  await expectStreamTellsTheTruth(first, before);
  await expectStreamTellsTheTruth(second, seen);

  expect((await second.cancel()).canceled).toEqual([running.run_id, waiting.run_id]);
  for (const terminal of [first, second]) {
    expect((await terminal.completed(running.run_id)).outcome).toBe("canceled");
    expect((await terminal.completed(waiting.run_id)).outcome).toBe("canceled");
  }
  await expectStreamTellsTheTruth(first, before);
  await expectStreamTellsTheTruth(second, seen);
});

test("one client may attach twice: each stream is its own, and one that ends leaves the other attached", async () => {
  const world = await openWorld();
  const first = await world.terminal("same");
  const before = await first.snapshot();
  const second = await world.terminal("same");
  second.events.drop();
  const watcher = await world.terminal("watcher");
  await eventually(
    async () => (await watcher.snapshot()).clients.length === 2,
    "the second stream to be gone",
  );
  expect((await watcher.snapshot()).clients.map((client) => client.id).toSorted()).toEqual([
    "same",
    "watcher",
  ]);
  await expectStreamTellsTheTruth(first, before);
  expect((await first.ask("hello")).outcome).toBe("end_turn");
});

test("who shows which session is known to everybody, and who deletes one is named", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const second = await world.terminal("second");
  const before = await second.snapshot();
  const shows = (cid: string, session_id: string | null, status = 200) =>
    world.daemon.api(cid).expect(status, "PATCH", `/v1/workspaces/${world.wid}/clients/${cid}`, {
      body: { session_id },
    });
  await shows("first", first.sid);
  const updated = await second.events.until("client.updated");
  expect(updated.payload.client).toMatchObject({ id: "first", session_id: first.sid });
  await shows("first", null);
  await second.events.until("client.updated", (event) => event.payload.client.session_id === null);
  await shows("second", first.sid);
  await shows("nobody", first.sid, 404);
  const now = await expectStreamTellsTheTruth(second, before);
  expect(now.clients.map(({ id, session_id }) => [id, session_id])).toEqual([
    ["first", null],
    ["second", first.sid],
  ]);
  await first.api.expect(200, "DELETE", first.path(`/sessions/${first.sid}`));
  const deleted = await second.events.until("session.deleted");
  expect(deleted.payload).toMatchObject({ session: { id: first.sid }, by: "first" });
});
