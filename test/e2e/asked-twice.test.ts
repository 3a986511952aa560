// The daemon ends between its commit and its answer: what the client asked for is there once, whoever asks again.
import { existsSync, renameSync, rmSync } from "node:fs";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { type Connection, connect } from "../../src/client/connect.ts";
import { pathsHere } from "../../src/client/here.ts";
import { startTimeOf } from "../../src/client/process-identity.ts";
import { eventually } from "../support/happenings.ts";
import { createHome, type Home, launcher, localConfig } from "../support/home.ts";
import { silence, startModelServer } from "../support/model-server.ts";

async function openHome() {
  const home = createHome();
  const model = await startModelServer();
  home.config(localConfig(model.baseUrl));
  const { env } = home;
  const options = { paths: pathsHere(env), env, launcher, clientId: "test", cwd: home.project };
  const connections: Connection[] = [];
  /** A client that has no connection from before. */
  const attach = async () => {
    const connection = await connect(options, AbortSignal.timeout(30_000));
    connections.push(connection);
    return connection;
  };
  const connection = await attach();
  onTestFinished(async () => {
    const { pid } = await connection.request("GET /v1/health");
    await connection.request("POST /v1/daemon/shutdown", { body: { grace_ms: 0 } });
    for (const each of connections) each.close();
    await eventually(() => startTimeOf(pid, process.platform) === undefined, "the daemon's end");
    await model.close();
    home.remove();
  });
  return { home, model, connection, attach };
}

type Opened = Awaited<ReturnType<typeof openHome>>;

/**
 * Stands before the daemon's socket until the daemon has begun to answer a request for `path`: then the daemon is
 * killed, and its answer is kept from the client.
 */
async function killAtAnswer({ home, connection }: Opened, path: RegExp) {
  const { pid } = await connection.request("GET /v1/health");
  const behind = `${home.socket}.behind`;
  renameSync(home.socket, behind);
  const sockets = new Set<Socket>();
  const killed = Promise.withResolvers<void>();
  const server = createServer((client) => {
    const daemon = connectSocket(behind);
    let isFatal = false;
    for (const socket of [client, daemon]) {
      sockets.add(socket);
      socket.on("error", () => {}); // one side is cut on purpose
    }
    client.on("data", (bytes: Buffer) => {
      isFatal ||= path.test(bytes.toString("latin1").split("\r\n", 1)[0] ?? "");
      daemon.write(bytes);
    });
    daemon.on("data", (bytes: Buffer) => {
      if (!isFatal) return void client.write(bytes);
      process.kill(pid, "SIGKILL");
      if (existsSync(home.socket)) rmSync(home.socket);
      for (const socket of sockets) socket.destroy();
      server.close();
      killed.resolve();
    });
    client.on("close", () => daemon.destroy());
    daemon.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(home.socket, resolve));
  return { killed: killed.promise };
}

function stored(home: Home, sql: string): unknown[] {
  const db = new Database(home.database, { readonly: true });
  try {
    return db.prepare(sql).pluck().all();
  } finally {
    db.close();
  }
}

const SESSIONS = "POST /v1/workspaces/{wid}/sessions";
const FORK = "POST /v1/workspaces/{wid}/sessions/{sid}/fork";

test("a session that is asked for again is the one that was made", async () => {
  const opened = await openHome();
  const { home, connection } = opened;
  const { killed } = await killAtAnswer(opened, /^POST \S+\/sessions\?/);
  const client = await opened.attach();
  const params = { wid: connection.workspace.id };
  const { session } = await client.request(SESSIONS, { params, body: { title: "once" } });
  await killed;
  expect(stored(home, "SELECT id FROM sessions")).toEqual([session.id]);
});

test("a fork that is asked for again is the one that was made", async () => {
  const opened = await openHome();
  const { home, connection } = opened;
  const wid = connection.workspace.id;
  const { session } = await connection.request(SESSIONS, { params: { wid }, body: {} });
  const { killed } = await killAtAnswer(opened, /^POST \S+\/fork\?/);
  const client = await opened.attach();
  const { session: fork } = await client.request(FORK, { params: { wid, sid: session.id } });
  await killed;
  expect(stored(home, "SELECT id FROM sessions WHERE parent_id IS NOT NULL")).toEqual([fork.id]);
});

test("a prompt without an id of its own is not sent on twice", async () => {
  const opened = await openHome();
  const { home, model, connection } = opened;
  const wid = connection.workspace.id;
  const { session } = await connection.request(SESSIONS, { params: { wid }, body: {} });
  model.script(() => silence());
  const { killed } = await killAtAnswer(opened, /^POST \S+\/agent\?/);
  const client = await opened.attach();
  const accepted = await client.request("POST /v1/workspaces/{wid}/agent", {
    params: { wid },
    body: { session_id: session.id, prompt: "only once" },
  });
  await killed;
  expect(stored(home, "SELECT id FROM runs")).toEqual([accepted.run_id]);
});

test("a cancel is not repeated: it would hit the run that began since", async () => {
  const opened = await openHome();
  const { connection } = opened;
  const wid = connection.workspace.id;
  const { session } = await connection.request(SESSIONS, { params: { wid }, body: {} });
  const { killed } = await killAtAnswer(opened, /^POST \S+\/cancel\?/);
  const client = await opened.attach();
  const params = { wid, sid: session.id };
  const cancel = client.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
    params,
    body: { scope: "active" },
  });
  await expect(cancel).rejects.toMatchObject({
    code: "daemon_unreachable",
    message: "The daemon ended before it answered, so it is not known whether this was done.",
  });
  await killed;
});

test("an id stands for one session, made of the same fields", async () => {
  const { connection } = await openHome();
  const wid = connection.workspace.id;
  const id = `ses_${"a".repeat(32)}` as const;
  const create = (fields: { title?: string }) =>
    connection.request(SESSIONS, { params: { wid }, body: { id, ...fields } });
  const first = await create({ title: "a" });
  await connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", {
    params: { wid, sid: id },
    body: { title: "renamed since" },
  });
  expect((await create({ title: "a" })).session).toEqual({
    ...first.session,
    title: "renamed since",
    updated_at: expect.any(String),
  });
  const other = { code: "session_id_conflict" };
  await expect(create({ title: "b" })).rejects.toMatchObject(other);
  const fork = connection.request(FORK, { params: { wid, sid: id }, body: { id } });
  await expect(fork).rejects.toMatchObject(other);
  const madeHere = (await connection.request(SESSIONS, { params: { wid }, body: {} })).session.id;
  await expect(
    connection.request(SESSIONS, { params: { wid }, body: { id: madeHere, title: "b" } }),
  ).rejects.toMatchObject(other);
});
