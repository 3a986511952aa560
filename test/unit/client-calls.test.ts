import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createRawServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Client, createClient } from "../../src/client/client.ts";
import { HearthError } from "../../src/protocol/errors.ts";

let dir: string;
let socketPath: string;
let client: Client;
let closing: (() => void)[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-client-"));
  socketPath = join(dir, "d.sock");
  client = createClient({ socketPath, clientId: "me 1&2" });
  closing = [];
});
afterEach(() => {
  client.close();
  for (const close of closing) close();
  rmSync(dir, { recursive: true, force: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function listen(answer: Answer): Promise<{ server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("utf8")));
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, sockets };
}

const json = (response: ServerResponse, status: number, value: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

const wid = "ws_00000000000000000000000000000000" as const;

test("a call says method, path, query, body and which client makes it", async () => {
  const seen: unknown[] = [];
  await listen(({ method, url, headers }, response, body) => {
    seen.push({ method, url, type: headers["content-type"], body });
    json(response, 200, { sessions: [], next_before: null });
  });
  await client.request("GET /v1/workspaces/{wid}/sessions", {
    params: { wid },
    query: { limit: 5, query: "a b" },
  });
  await client.request("POST /v1/workspaces", { body: { path: "/tmp/ü" } });
  expect(seen).toEqual([
    {
      method: "GET",
      url: `/v1/workspaces/${wid}/sessions?limit=5&query=a+b&client_id=me+1%262`,
      type: undefined,
      body: "",
    },
    {
      method: "POST",
      url: "/v1/workspaces?client_id=me+1%262",
      type: "application/json",
      body: '{"path":"/tmp/ü"}',
    },
  ]);
});

test("calls one after another share a connection, calls at once do not wait for each other", async () => {
  const held: ServerResponse[] = [];
  const { sockets } = await listen((request, response) => {
    if (request.method === "DELETE") held.push(response);
    else json(response, 200, {});
  });
  for (let call = 0; call < 5; call++) await client.request("GET /v1/health");
  expect(sockets.size).toBe(1);
  const slow = client.request("DELETE /v1/workspaces/{wid}", { params: { wid } });
  await client.request("GET /v1/health");
  expect(sockets.size).toBe(2);
  for (const response of held) json(response, 202, {});
  await slow;
});

test("a connection that the daemon closed meanwhile is replaced without anybody noticing", async () => {
  const { sockets } = await listen((_, response) => json(response, 200, { n: 1 }));
  await client.request("GET /v1/health");
  // Half-closed in the moment of use: the client has not seen the end yet.
  for (const socket of sockets) socket.removeAllListeners("data").on("data", () => socket.destroy());
  await expect(client.request("POST /v1/workspaces", { body: { path: "/" } })).resolves.toEqual({ n: 1 });
  expect(sockets.size).toBe(2);
});

test("an error keeps the daemon's code, message and details", async () => {
  const error = { code: "run_id_conflict", message: "Choose another.", details: { run: 1 } };
  await listen((_, response) => json(response, 409, { error }));
  const thrown = await client.request("GET /v1/health").catch((reason: unknown) => reason);
  expect(thrown).toBeInstanceOf(HearthError);
  expect(thrown).toMatchObject(error);
});

test("an unknown error reply becomes an internal error that names the request", async () => {
  const replies = [
    "<html>",
    JSON.stringify({ error: { code: "from_the_future", message: "New.", details: {} } }),
    "[]",
  ];
  await listen((_, response) => response.writeHead(502).end(replies.shift()));
  const ask = () => client.request("GET /v1/health").catch((reason: unknown) => reason);
  expect(await ask()).toMatchObject({ code: "internal", message: expect.stringContaining("not JSON") });
  expect(await ask()).toMatchObject({
    code: "internal",
    message: "New.",
    details: { code: "from_the_future" },
  });
  expect(await ask()).toMatchObject({
    code: "internal",
    message: expect.stringMatching(/health.* with 502/),
  });
});

test("nobody there, a dead socket and a reset are all daemon_unreachable", async () => {
  const code = () => client.request("GET /v1/health").catch((error: unknown) => (error as HearthError).code);
  expect(await code()).toBe("daemon_unreachable");
  writeFileSync(socketPath, "");
  expect(await code()).toBe("daemon_unreachable");
  rmSync(socketPath);
  const raw = createRawServer((socket) => socket.once("data", () => socket.destroy()));
  await new Promise<void>((resolve) => raw.listen(socketPath, resolve));
  closing.push(() => raw.close());
  expect(await code()).toBe("daemon_unreachable");
});

test("a reply cut off in the middle is daemon_unreachable, never half an answer", async () => {
  await listen((_, response) => {
    response.writeHead(200, { "content-length": "100" }).write('{"status":');
    setImmediate(() => response.destroy());
  });
  await expect(client.request("GET /v1/health")).rejects.toMatchObject({ code: "daemon_unreachable" });
});

test("an aborted call rejects with the signal's reason and lets go of the connection", async () => {
  const arrived = Promise.withResolvers<Socket>();
  await listen((request) => arrived.resolve(request.socket));
  const asked = new AbortController();
  const reason = new Error("no longer wanted");
  const call = client.request("GET /v1/health", { signal: asked.signal });
  const socket = await arrived.promise;
  const gone = new Promise((resolve) => socket.once("close", resolve));
  asked.abort(reason);
  await expect(call).rejects.toBe(reason);
  await gone;
  await expect(client.request("GET /v1/health", { signal: asked.signal })).rejects.toBe(reason);
});
