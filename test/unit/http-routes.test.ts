import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { routeKeys } from "../../src/protocol/routes.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import type { Services } from "../../src/server/services.ts";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

const id = (prefix: string) => `${prefix}_${"0".repeat(32)}`;
const wid = id("ws");
const sid = id("ses");
const session = `/v1/workspaces/${wid}/sessions/${sid}`;

const closing: (() => Promise<void>)[] = [];
const start = async (services: Services) => {
  const http = await bareHttp(services);
  closing.push(http.close);
  return http;
};
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Services that all say the same when they are called. */
function refusing(error: Error): Services {
  const throwing = new Proxy({}, { get: () => refuse });
  function refuse(): never {
    throw error;
  }
  return new Proxy({} as Services, {
    get: (_, name) =>
      ["health", "shutdown", "refresh", "snapshot", "files", "usage", "away", "search"].includes(String(name))
        ? refuse
        : throwing,
  });
}

const bodies: { [key: string]: object } = {
  "POST /v1/workspaces": { path: "/tmp" },
  "PATCH /v1/workspaces/{wid}/clients/{cid}": { session_id: null },
  "POST /v1/workspaces/{wid}/agent": { session_id: sid, prompt: "hi" },
  "POST /v1/workspaces/{wid}/permissions/{pid}": { decision: "deny" },
  "POST /v1/workspaces/{wid}/changes/apply": { ids: [id("chg")] },
  "POST /v1/workspaces/{wid}/changes/reject": { ids: [id("chg")] },
  "POST /v1/workspaces/{wid}/changes/revert": { ids: [id("chg")] },
  "POST /v1/workspaces/{wid}/grants/revoke": { ids: [1] },
  "POST /v1/workspaces/{wid}/login": { provider: "local", key: "k" },
  "POST /v1/workspaces/{wid}/logout": { provider: "local" },
  "POST /v1/workspaces/{wid}/agent/{name}/login": { id: "key" },
  "POST /v1/workspaces/{wid}/trust": { hash: "abc" },
  "POST /v1/workspaces/{wid}/imports": {
    ...{
      title: "a",
      created_at: "2026-01-02T03:04:05.006Z",
      updated_at: "2026-01-02T03:04:05.006Z",
      cost: 0,
    },
    ...{ usage: noUsage, plan: [] },
  },
  "POST /v1/workspaces/{wid}/imports/{sid}/messages": { messages: [] },
  "POST /v1/tasks": { path: "/tmp", prompt: "hi", agents: ["hearth"] },
};

test("every route of the table reaches its service, and what that throws becomes status and body", async () => {
  const http = await start(
    refusing(new HearthError("daemon_stopping", "Going.", { details: { in: "2 s" } })),
  );
  for (const key of routeKeys) {
    if (key === "GET /v1/openapi.json") continue;
    const path = key
      .replace("{wid}", wid)
      .replace("{sid}", sid)
      .replace("{rid}", id("run"))
      .replace("{pid}", id("prm"))
      .replace("{cid}", "me")
      .replace("{chid}", id("chg"))
      .replace("{jid}", "job1")
      .replace("{tid}", id("tsk"));
    const body = bodies[key];
    const reply = await http.call(path, body ? { body } : {});
    expect(`${key} ${reply.status}`).toBe(`${key} 409`);
    expect(reply.json).toEqual({
      error: { code: "daemon_stopping", message: "Going.", details: { in: "2 s" } },
    });
    expect(reply.headers["content-type"]).toBe("application/json");
  }
});

test("what is not a HearthError is logged in full and told to nobody", async () => {
  const fault = new Error("the secret inside");
  const http = await start(refusing(fault));
  const reply = await http.call(`GET /v1/workspaces/${wid}`);
  expect(reply.status).toBe(500);
  expect(reply.json.error.code).toBe("internal");
  expect(reply.text).not.toContain("secret");
  expect(http.logged).toEqual([
    {
      level: "error",
      message: "a request failed",
      fields: { request: `GET /v1/workspaces/${wid}`, error: fault },
    },
  ]);
});

test("a path that is not in the table is not found", async () => {
  const http = await start(bareServices());
  for (const path of [
    "/",
    "/v1",
    "/v1/nothing",
    "/v1/health/",
    `${session}/redone`,
    "/v1/workspaces/a/b/c/d",
  ]) {
    const reply = await http.call(`GET ${path}`);
    expect([path, reply.status, reply.json.error.code]).toEqual([path, 404, "not_found"]);
  }
});

test("a known path says which methods it answers", async () => {
  const attached: unknown[] = [];
  const attach = (...args: unknown[]) => {
    attached.push(args);
    return () => {};
  };
  const http = await start(bareServices({ events: { attach } }));
  const wrong = await http.call(`PUT /v1/workspaces/${wid}/sessions`);
  expect([wrong.status, wrong.headers.allow, wrong.json.error.code]).toEqual([
    405,
    "POST, GET",
    "method_not_allowed",
  ]);
  const options = await http.call("OPTIONS /v1/workspaces");
  expect([options.status, options.headers.allow]).toEqual([405, "POST, GET"]);
  expect(Object.keys(options.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  const head = await http.call(`HEAD /v1/workspaces/${wid}/events`);
  expect([head.status, head.headers.allow]).toEqual([405, "GET"]);
  expect(attached).toEqual([]);
});

test("a fixed segment is not taken for a run's id", async () => {
  const http = await start(bareServices({ runs: { resume: () => [] } }));
  const resumed = await http.call(`POST ${session}/queue/resume`);
  expect([resumed.status, resumed.json]).toEqual([200, { runs: [] }]);
  const other = await http.call(`DELETE ${session}/queue/resume`);
  expect([other.status, other.headers.allow]).toEqual([405, "POST"]);
});

test("an id of the wrong form names nothing that there is", async () => {
  const http = await start(bareServices());
  const cases = [
    ["GET /v1/workspaces/ws_short", "workspace_not_found"],
    [`GET /v1/workspaces/${sid}/snapshot`, "workspace_not_found"],
    ["GET /v1/workspaces/%E0%A4%A/events", "workspace_not_found"],
    [`GET /v1/workspaces/${wid}/sessions/ses_1`, "session_not_found"],
    [`GET ${session}/runs/${sid}`, "run_not_found"],
    [`POST /v1/workspaces/${wid}/permissions/..%2f`, "permission_not_found"],
  ] as const;
  for (const [key, code] of cases) {
    const reply = await http.call(key, key.startsWith("POST") ? { body: { decision: "deny" } } : {});
    expect([key, reply.status, reply.json.error.code]).toEqual([key, 404, code]);
  }
});

test("a wrong field is named, in the body and in the query", async () => {
  const http = await start(bareServices());
  const body = await http.call(`POST /v1/workspaces/${wid}/agent`, { body: { session_id: sid, prompt: 7 } });
  expect(body.status).toBe(400);
  expect(body.json.error).toMatchObject({ code: "invalid_request", details: { field: "prompt" } });
  expect(body.json.error.message).toContain('"prompt"');
  const deep = await http.call(`POST /v1/workspaces/${wid}/agent`, {
    body: { session_id: sid, prompt: "x", attachments: [{ name: "a" }] },
  });
  expect(deep.json.error.details.field).toBe("attachments.0.media_type");
  const missing = await http.call(`POST /v1/workspaces/${wid}/agent`);
  expect(missing.json.error.details.field).toBe("session_id");
  const list = await http.call(`POST /v1/workspaces/${wid}/agent`, { body: [] });
  expect([list.status, list.json.error.details.field]).toEqual([400, "body"]);
  const query = await http.call(`GET ${session}/messages?limit=many`);
  expect([query.status, query.json.error.details.field]).toEqual([400, "limit"]);
  expect(http.logged).toEqual([]);
});

test("a session id of a form that none has is a session that is not there, wherever it stands", async () => {
  const http = await start(bareServices());
  const body = await http.call(`POST /v1/workspaces/${wid}/agent`, {
    body: { session_id: "mine", prompt: "x" },
  });
  expect([body.status, body.json.error.code]).toEqual([404, "session_not_found"]);
  const query = await http.call(`GET /v1/workspaces/${wid}/snapshot?session_id=mine`);
  expect([query.status, query.json.error.code]).toEqual([404, "session_not_found"]);
});

test("a body that is not JSON is turned down", async () => {
  const http = await start(bareServices());
  const json = { "content-type": "application/json" };
  for (const raw of ["{", '{"path":', "[1,]", Buffer.from([0x22, 0xff, 0x22])]) {
    const reply = await http.call("POST /v1/workspaces", { raw, headers: json });
    expect([reply.status, reply.json.error.code]).toEqual([400, "invalid_request"]);
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    const reply = await http.call("POST /v1/workspaces", {
      raw: '{"path":"/"}',
      headers: { "content-type": type },
    });
    expect([type, reply.status, reply.json.error.code]).toEqual([type, 415, "unsupported_media_type"]);
  }
  const untyped = await http.call("POST /v1/workspaces", { raw: '{"path":"/"}' });
  expect(untyped.status).toBe(415);
  const bodiless = await http.call(`POST ${session}/queue/resume`, {
    raw: "a=1",
    headers: { "content-type": "text/plain" },
  });
  expect(bodiless.status).toBe(415);
});

test("a body that may be left out may be left out", async () => {
  const asked: unknown[] = [];
  const cancel: Services["runs"]["cancel"] = (...args) => {
    asked.push(args.slice(2));
    return { canceled: [], held: [] };
  };
  const http = await start(bareServices({ runs: { cancel } }));
  const key = `POST /v1/workspaces/${wid}/agent/sessions/${sid}/cancel`;
  const json = { "content-type": "application/json; charset=utf-8" };
  const replies = [
    await http.call(key),
    await http.call(key, { raw: "", headers: json }),
    await http.call(key, { raw: "{}", headers: json }),
    await http.call(`${key}?client_id=tui-1`, { body: { scope: "active", unknown: true } }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(asked).toEqual([
    ["all", null],
    ["all", null],
    ["all", null],
    ["active", "tui-1"],
  ]);
});

test("a workspace is opened in the name of the client in its body, else of that in the query", async () => {
  const callers: unknown[] = [];
  const open: Services["workspaces"]["open"] = async (_, caller) => {
    callers.push(caller);
    throw new HearthError("not_a_directory", "No.");
  };
  const http = await start(bareServices({ workspaces: { open } }));
  await http.call("POST /v1/workspaces?client_id=query", { body: { path: "/", client_id: "body" } });
  await http.call("POST /v1/workspaces?client_id=query", { body: { path: "/" } });
  expect(callers).toEqual(["body", "query"]);
});

test("a client that hangs up right after its last byte has been heard", async () => {
  const heard = Promise.withResolvers<string>();
  const accept: Services["runs"]["accept"] = (_, body) => {
    heard.resolve(body.prompt);
    throw new HearthError("workspace_closing", "It closes.");
  };
  const http = await start(bareServices({ runs: { accept } }));
  const body = JSON.stringify({ session_id: sid, prompt: "fire and forget" });
  const socket = connect(http.socketPath);
  socket.write(
    `POST /v1/workspaces/${wid}/agent HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
  expect(await heard.promise).toBe("fire and forget");
});

test("half a body is no request", async () => {
  const http = await start(bareServices({ runs: { accept: () => expect.fail("it was taken") } }));
  const socket = connect(http.socketPath);
  socket.write(
    `POST /v1/workspaces/${wid}/agent HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
      `Content-Length: 1000\r\n\r\n${JSON.stringify({ session_id: sid, prompt: "x" })}`,
  );
  const [incoming] = await once(http.server, "request");
  const closed = new Promise((resolve) => incoming.once("close", resolve));
  socket.destroy();
  await closed;
  expect((await http.call("GET /v1/health")).status).toBe(200);
  expect(http.logged).toEqual([]);
});

test("what the HTTP parser turns down is answered in the same form", async () => {
  const http = await start(bareServices());
  const exchange = async (text: string) => {
    const socket = connect(http.socketPath);
    socket.write(text);
    let reply = "";
    for await (const chunk of socket.setEncoding("utf8")) reply += chunk;
    return reply;
  };
  const garbage = await exchange("NONSENSE\r\n\r\n");
  expect(garbage).toMatch(/^HTTP\/1\.1 400 .*"code":"invalid_request"/s);
  const lines = "X-Line: 1\r\n".repeat(10_000);
  expect(await exchange(`GET /v1/health HTTP/1.1\r\nHost: x\r\n${lines}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
});
