import { afterEach, beforeEach, expect, test } from "vitest";
import { type Connection, connect } from "../../src/client/connect.ts";
import { pathsHere } from "../../src/client/here.ts";
import { startTimeOf } from "../../src/client/process-identity.ts";
import { applyEvent, type Replica, replicaOf } from "../../src/client/replica.ts";
import { openEvents } from "../../src/client/stream.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { createHappenings, eventually } from "../support/happenings.ts";
import { createHome, type Home, launcher, localConfig } from "../support/home.ts";
import { type ModelServer, say, silence, startModelServer } from "../support/model-server.ts";

let home: Home;
let model: ModelServer;
let stopping: AbortController;
let connections: Connection[];
beforeEach(async () => {
  home = createHome();
  model = await startModelServer();
  home.config(localConfig(model.baseUrl));
  stopping = new AbortController();
  connections = [];
});
afterEach(async () => {
  stopping.abort();
  for (const connection of connections) {
    const { pid } = await connection.request("GET /v1/health");
    await connection.request("POST /v1/daemon/shutdown", { body: { grace_ms: 0 } });
    connection.close();
    await eventually(() => startTimeOf(pid, process.platform) === undefined, "the daemon's end");
  }
  await model.close();
  home.remove();
});

async function attach(clientId = "test"): Promise<Connection> {
  const { env } = home;
  const options = { paths: pathsHere(env), env, launcher, clientId, cwd: home.project };
  const connection = await connect(options, stopping.signal);
  connections.push(connection);
  return connection;
}

async function kill(connection: Connection): Promise<number> {
  const { pid } = await connection.request("GET /v1/health");
  process.kill(pid, "SIGKILL");
  return pid;
}

/** A client that keeps a replica, as a terminal does. */
async function watch(connection: Connection, sid: `ses_${string}`) {
  const params = { wid: connection.workspace.id };
  const query = { session_id: sid };
  const snapshot = await connection.request("GET /v1/workspaces/{wid}/snapshot", { params, query });
  let replica: Replica = replicaOf(snapshot, sid);
  const events = createHappenings<HearthEvent>(({ type }) => type);
  const stream = openEvents(
    {
      socketPath: connection.socketPath(),
      workspaceId: params.wid,
      clientId: connection.clientId,
      kind: "tui",
      since: snapshot.seq,
      onEvent(event) {
        replica = applyEvent(replica, event);
        events.add(event);
      },
      prepare: (signal) => connection.reconnect(signal),
    },
    stopping.signal,
  );
  await stream.opened;
  return { events, replica: () => replica };
}

async function newSession(connection: Connection) {
  const params = { wid: connection.workspace.id };
  return (await connection.request("POST /v1/workspaces/{wid}/sessions", { params, body: {} })).session.id;
}

test("the next request of any client starts a daemon again, and its environment comes along", async () => {
  const connection = await attach();
  const sid = await newSession(connection);
  const before = await kill(connection);
  model.enqueue(say("Hello again."));
  const { wid } = { wid: connection.workspace.id };
  const seen = await watch(connection, sid);
  const prompt = { session_id: sid, prompt: "hello" };
  const accepted = await connection.request("POST /v1/workspaces/{wid}/agent", {
    params: { wid },
    body: prompt,
  });
  const end = await seen.events.until((event) => event.type === "run.completed", "the run's end");
  expect(end.payload).toMatchObject({ run_id: accepted.run_id, outcome: "end_turn", text: "Hello again." });
  expect((await connection.request("GET /v1/health")).pid).not.toBe(before);
});

test("a stream goes on in the daemon that comes after a killed one, and ends in the same state as a fresh look", async () => {
  const connection = await attach();
  const sid = await newSession(connection);
  const seen = await watch(connection, sid);
  const params = { wid: connection.workspace.id };
  model.enqueue(say("Half of an ans", { stop: "hang" }));
  await connection.request("POST /v1/workspaces/{wid}/agent", {
    params,
    body: { session_id: sid, prompt: "go" },
  });
  await seen.events.until((event) => event.type === "part.delta", "text");
  const before = await kill(connection);
  // Nobody asks for anything: the stream itself brings the next daemon.
  const end = await seen.events.until((event) => event.type === "run.completed", "the run's end");
  expect(end.payload).toMatchObject({ outcome: "interrupted" });
  expect((await connection.request("GET /v1/health")).pid).not.toBe(before);
  expect(seen.events.all.filter(({ type }) => type === "resync")).toEqual([]);
  const query = { session_id: sid };
  const snapshot = await connection.request("GET /v1/workspaces/{wid}/snapshot", { params, query });
  const fresh = replicaOf(snapshot, sid);
  await seen.events.until(({ seq }) => seq >= snapshot.seq, "what the snapshot holds");
  expect(seen.replica().messages).toEqual(fresh.messages);
  expect({ ...seen.replica(), seq: 0 }).toEqual({ ...fresh, seq: 0 });
});

test("requests that lose the daemon together wait for one restart", async () => {
  const connection = await attach();
  await kill(connection);
  const params = { wid: connection.workspace.id };
  const lists = await Promise.all(
    Array.from({ length: 8 }, () => connection.request("GET /v1/workspaces/{wid}/sessions", { params })),
  );
  expect(lists).toHaveLength(8);
});

test("a prompt whose answer was lost is posted again and runs once", async () => {
  const connection = await attach();
  const sid = await newSession(connection);
  model.enqueue(silence());
  const params = { wid: connection.workspace.id };
  const run_id = "run_00000000000000000000000000000001" as const;
  const body = { session_id: sid, prompt: "once", run_id };
  await connection.request("POST /v1/workspaces/{wid}/agent", { params, body });
  await kill(connection);
  const again = await connection.request("POST /v1/workspaces/{wid}/agent", { params, body });
  expect(again.run_id).toBe(run_id);
  const { runs } = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/runs", {
    params: { ...params, sid },
  });
  expect(runs.map(({ id }) => id)).toEqual([run_id]);
});
