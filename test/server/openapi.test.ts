// Drives every documented route against the document that the daemon itself serves (design.md §3).
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { noUsage } from "../../src/protocol/usage.ts";
import type { ApiReply } from "../support/api.ts";
import { createGate } from "../support/happenings.ts";
import { CANARY_KEY, localConfig } from "../support/home.ts";
import { say, toolResults } from "../support/model-server.ts";
import { modelsDevList, serveText } from "../support/models-dev.ts";
import { chosenRunId, openWorld, sawText, type Terminal } from "../support/world.ts";

const at = "2026-01-02T03:04:05.006Z";
const sessionFile = { title: "a", created_at: at, updated_at: at, usage: noUsage, cost: 0, plan: [] };

type Json = { [key: string]: unknown };
const inner = (value: unknown, ...path: string[]): Json =>
  path.reduce<Json>((found, name) => (found[name] ?? {}) as Json, (value ?? {}) as Json);
type Operation = { operationId: string; responses: Record<string, Json>; requestBody?: Json };
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Json; responses: Json };
};

/** Judges replies by the document alone. */
function createJudge(document: Document) {
  const definitions = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll("#/components/schemas/", "#/$defs/"),
  ) as Json;
  const resolve = (schema: Json): Json => {
    const reference = schema["$ref"];
    if (typeof reference !== "string") return schema;
    return resolve(inner(document, ...reference.replace(/^#\//, "").split("/")));
  };
  const schemaOf = (operation: Operation, status: number): Json => {
    const response = resolve(operation.responses[String(status)] ?? operation.responses["default"] ?? {});
    return inner(response, "content", "application/json", "schema");
  };

  /** The fields of `value` that `schema` says nothing of. */
  function undocumented(value: unknown, given: Json, path: string): string[] {
    const schema = resolve(given);
    const choices = (schema["anyOf"] ?? schema["oneOf"]) as Json[] | undefined;
    if (choices) {
      const found = choices.map((choice) => undocumented(value, choice, path));
      return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
    }
    if (Array.isArray(value)) {
      return value.flatMap((item, index) =>
        undocumented(item, (schema["items"] ?? {}) as Json, `${path}[${index}]`),
      );
    }
    if (typeof value !== "object" || value === null) return [];
    const properties = schema["properties"] as Json | undefined;
    const others = schema["additionalProperties"];
    if (properties === undefined && (others === undefined || typeof others === "object")) return [];
    return Object.entries(value).flatMap(([name, field]) => {
      const known = properties?.[name];
      return known === undefined
        ? [`${path}.${name}`]
        : undocumented(field, known as Json, `${path}.${name}`);
    });
  }

  return {
    check(operation: Operation, reply: ApiReply): void {
      expect(reply.headers["content-type"], operation.operationId).toMatch(/^application\/json/);
      const schema = schemaOf(operation, reply.status);
      const local = JSON.parse(
        JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"),
      ) as Json;
      const parser = z.fromJSONSchema({ $defs: definitions, ...local } as Parameters<
        typeof z.fromJSONSchema
      >[0]);
      const parsed = parser.safeParse(reply.json);
      expect(parsed.error?.issues ?? [], `${operation.operationId} ${reply.status}: ${reply.text}`).toEqual(
        [],
      );
      expect(undocumented(reply.json, schema, operation.operationId)).toEqual([]);
    },
    isJson: (operation: Operation, status: number) => Object.keys(schemaOf(operation, status)).length > 0,
  };
}

type Driven = { key: string; path: string; body?: unknown; status: number };

async function openDrivenWorld() {
  const world = await openWorld();
  const terminal = await world.terminal("driver");
  const document = await terminal.api.expect<Document>(200, "GET", "/v1/openapi.json");
  const judge = createJudge(document);
  const operationOf = (key: string): Operation => {
    const [method = "", path = ""] = key.split(" ");
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`${key} is not documented`);
    return operation;
  };
  return { world, terminal, document, judge, operationOf };
}

const allKeys = (document: Document): string[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

test("every documented route answers with every documented success, exactly as documented", async () => {
  const { world, terminal, document, judge, operationOf } = await openDrivenWorld();
  const { api } = terminal;
  const seen = new Map<string, Set<number>>();
  const drive = async ({ key, path, body, status }: Driven) => {
    const [method = ""] = key.split(" ");
    const reply = await api.call(method, path, body === undefined ? {} : { body });
    expect([key, reply.status, reply.text]).toEqual([key, status, expect.any(String)]);
    judge.check(operationOf(key), reply);
    seen.set(key, (seen.get(key) ?? new Set()).add(status));
    return reply.json as {
      run_id?: string;
      workspace?: { id: string };
      session?: { id: string };
      trust?: { hash: string };
      task?: { id: string };
      import_id?: string;
    };
  };
  const wid = world.wid;
  const w = `/v1/workspaces/${wid}`;
  const s = `${w}/sessions/${world.sid}`;
  const W = "/v1/workspaces/{wid}";
  const S = `${W}/sessions/{sid}`;

  await drive({ key: "GET /v1/health", path: "/v1/health", status: 200 });
  await drive({ key: "GET /v1/openapi.json", path: "/v1/openapi.json", status: 200 });
  await drive({
    key: "POST /v1/workspaces",
    path: "/v1/workspaces",
    body: { path: world.home.project },
    status: 200,
  });
  const other = world.home.folder("other");
  const made = await drive({
    key: "POST /v1/workspaces",
    path: "/v1/workspaces",
    body: { path: other, client_id: "driver", env: { PATH: "/bin", A: "b" }, unknown_field: 1 },
    status: 201,
  });
  const otherId = made.workspace?.id;
  await drive({ key: "GET /v1/workspaces", path: "/v1/workspaces", status: 200 });
  await drive({ key: `GET ${W}`, path: w, status: 200 });
  await drive({ key: `POST ${W}/sessions`, path: `${w}/sessions`, body: {}, status: 201 });
  const full = { title: "full", agent: "hearth", model: "local/big", mode: "plan", isolation: "in_place" };
  const created = await drive({ key: `POST ${W}/sessions`, path: `${w}/sessions`, body: full, status: 201 });
  const fullId = created.session?.id;
  await drive({ key: `GET ${W}/sessions`, path: `${w}/sessions?limit=1`, status: 200 });
  await drive({ key: `GET ${S}`, path: s, status: 200 });
  await drive({
    key: `PATCH ${S}`,
    path: s,
    body: { title: "renamed", archived: false, mode: "ask" },
    status: 200,
  });
  await drive({ key: `GET ${W}/agent`, path: `${w}/agent`, status: 200 });
  await drive({
    key: `PATCH ${W}/clients/{cid}`,
    path: `${w}/clients/${terminal.id}`,
    body: { session_id: world.sid },
    status: 200,
  });

  // A turn with everything in it: reasoning, a tool call, a question, a queue, a file, a plan, an error.
  const gate = createGate();
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say({ reasoning: "hm" }, "Reading.", { call: "read", input: { path: "a.txt" } }),
    say("Asking.", { until: gate.passed }, { call: "write", input: { path: "b.txt", content: "beta\n" } }),
  );
  const attachments = [
    { name: "note.txt", media_type: "text/plain", data: Buffer.from("note").toString("base64") },
  ];
  const prompt = `POST ${W}/agent`;
  const body = { session_id: world.sid, prompt: "go", run_id: chosenRunId(), attachments, delivery: "queue" };
  const running = await drive({
    key: prompt,
    path: `${w}/agent`,
    body: { ...body, env: { LANG: "C" } },
    status: 202,
  });
  await sawText(terminal, "Asking.");
  const queued = await terminal.prompt("queued");
  const withdrawn = await terminal.prompt("withdrawn");
  await drive({ key: `GET ${W}/snapshot`, path: `${w}/snapshot?session_id=${world.sid}`, status: 200 });
  await drive({ key: `GET ${W}/snapshot`, path: `${w}/snapshot`, status: 200 });
  const Q = `${S}/queue/{rid}`;
  await drive({
    key: `PATCH ${Q}`,
    path: `${s}/queue/${queued.run_id}`,
    body: { prompt: "edited" },
    status: 200,
  });
  await drive({ key: `DELETE ${Q}`, path: `${s}/queue/${withdrawn.run_id}`, status: 200 });
  gate.open();
  const question = await terminal.question();
  await drive({ key: `GET ${W}/permissions`, path: `${w}/permissions`, status: 200 });
  await drive({ key: `GET ${W}/snapshot`, path: `${w}/snapshot?session_id=${world.sid}`, status: 200 });
  await drive({
    key: `POST ${W}/permissions/{pid}`,
    path: `${w}/permissions/${question.id}`,
    body: { decision: "deny", message: "not now" },
    status: 200,
  });
  await drive({ key: `GET ${W}/models`, path: `${w}/models`, status: 200 });
  world.home.config({ ...localConfig(world.model.baseUrl), models_url: await serveText(modelsDevList) });
  await drive({ key: `POST ${W}/models/refresh`, path: `${w}/models/refresh`, status: 200 });
  const listed = await drive({ key: `GET ${W}/models`, path: `${w}/models`, status: 200 });
  expect((listed as { models?: unknown }).models).toContainEqual(
    expect.objectContaining({ id: "anthropic/claude-next-9", context_window: 2_000_000, usable: false }),
  );
  // The last check of the world looks for this key in everything that hearth has written.
  const login = { provider: "local", key: CANARY_KEY };
  await drive({ key: `POST ${W}/login`, path: `${w}/login`, body: login, status: 200 });
  await drive({ key: `POST ${W}/logout`, path: `${w}/logout`, body: { provider: "local" }, status: 200 });
  await drive({ key: `GET ${W}/changes`, path: `${w}/changes`, status: 200 });
  await drive({ key: `GET ${W}/permission-log`, path: `${w}/permission-log`, status: 200 });
  await drive({ key: `GET ${W}/grants`, path: `${w}/grants`, status: 200 });
  await drive({
    key: `POST ${W}/grants/revoke`,
    path: `${w}/grants/revoke`,
    body: { ids: [1] },
    status: 200,
  });
  await terminal.completed(String(running.run_id));
  await terminal.completed(queued.run_id);
  await drive({ key: `GET ${S}/messages`, path: `${s}/messages?limit=1`, status: 200 });
  await drive({ key: `GET ${S}/messages`, path: `${s}/messages`, status: 200 });
  await drive({ key: `GET ${S}/runs`, path: `${s}/runs`, status: 200 });
  await drive({ key: `GET ${S}/runs/{rid}`, path: `${s}/runs/${queued.run_id}`, status: 200 });
  await drive({ key: `GET ${S}/agent-sessions`, path: `${s}/agent-sessions`, status: 200 });
  const cancel = `POST ${W}/agent/sessions/{sid}/cancel`;
  await drive({ key: cancel, path: `${w}/agent/sessions/${world.sid}/cancel`, status: 200 });
  await drive({
    key: cancel,
    path: `${w}/agent/sessions/${world.sid}/cancel`,
    body: { scope: "active" },
    status: 200,
  });
  await drive({ key: `POST ${S}/queue/resume`, path: `${s}/queue/resume`, status: 200 });
  const failing = await terminal.ask("to nowhere", { model: "nowhere/none" });
  expect(failing.outcome).toBe("error");
  await drive({ key: `GET ${S}/runs`, path: `${s}/runs`, status: 200 });
  await drive({ key: `GET ${W}/snapshot`, path: `${w}/snapshot?session_id=${world.sid}`, status: 200 });
  await drive({
    key: `GET ${S}/runs/{rid}/requests`,
    path: `${s}/runs/${queued.run_id}/requests`,
    status: 200,
  });
  await drive({
    key: `GET ${S}/runs/{rid}/request`,
    path: `${s}/runs/${queued.run_id}/request?n=1`,
    status: 200,
  });
  await drive({ key: `GET ${S}/context`, path: `${s}/context`, status: 200 });
  world.model.script((request) =>
    toolResults(request).some(({ text }) => text.includes("as job1"))
      ? say("It runs.")
      : say({ call: "bash", input: { command: "sleep 100", background: true } }),
  );
  await terminal.ask("start it", { mode: "yolo" });
  const J = `${S}/jobs`;
  await drive({ key: `GET ${J}`, path: `${s}/jobs`, status: 200 });
  await drive({ key: `GET ${J}/{jid}/output`, path: `${s}/jobs/job1/output`, status: 200 });
  await drive({ key: `POST ${J}/{jid}/cancel`, path: `${s}/jobs/job1/cancel`, status: 200 });
  world.model.script(() => say("as you say"));
  for (const text of ["one more", "and one more"]) await terminal.ask(text);
  const compacting = await drive({ key: `POST ${S}/compact`, path: `${s}/compact`, body: {}, status: 202 });
  await terminal.completed(String(compacting.run_id));
  await drive({ key: `POST ${S}/undo`, path: `${s}/undo`, status: 200 }); // the compaction
  await drive({ key: `POST ${S}/undo`, path: `${s}/undo`, status: 200 }); // the turn
  await drive({ key: `GET ${S}/turns`, path: `${s}/turns`, status: 200 });
  await drive({ key: `POST ${S}/redo`, path: `${s}/redo`, status: 200 });
  await drive({ key: `POST ${S}/fork`, path: `${s}/fork`, body: {}, status: 201 });
  const I = `${W}/imports`;
  for (const last of ["finish", "drop"]) {
    const { import_id } = await drive({
      key: `POST ${I}`,
      path: `${w}/imports`,
      body: sessionFile,
      status: 201,
    });
    const one = `${w}/imports/${import_id}`;
    const body = { messages: [] };
    await drive({ key: `POST ${I}/{sid}/messages`, path: `${one}/messages`, body, status: 200 });
    if (last === "finish") await drive({ key: `POST ${I}/{sid}/finish`, path: `${one}/finish`, status: 201 });
    else await drive({ key: `DELETE ${I}/{sid}`, path: one, status: 200 });
  }
  await drive({ key: "GET /v1/sessions/search", path: "/v1/sessions/search?query=as", status: 200 });
  await drive({ key: `GET ${S}/export`, path: `${s}/export?limit=2`, status: 200 });
  await drive({ key: `GET ${W}/files`, path: `${w}/files?query=a`, status: 200 });
  for (const by of ["day", "session", "agent", "model"])
    await drive({ key: "GET /v1/usage", path: `/v1/usage?by=${by}&workspace_id=${world.wid}`, status: 200 });
  await drive({ key: `GET ${W}/away`, path: `${w}/away`, status: 200 });
  await drive({ key: `GET ${W}/agent`, path: `${w}/agent?probe=hearth`, status: 200 });
  await drive({ key: `POST ${S}/fork`, path: `${s}/fork`, status: 201 });
  const { message_id } = queued;
  await drive({ key: `POST ${S}/fork`, path: `${s}/fork`, body: { message_id }, status: 201 });
  await drive({ key: `GET ${W}/files`, path: `${w}/files?query=a&limit=5`, status: 200 });
  for (const by of ["day", "session", "agent", "model"]) {
    await drive({ key: "GET /v1/usage", path: `/v1/usage?by=${by}`, status: 200 });
  }
  world.home.write(".mcp.json", JSON.stringify({ mcpServers: { a: { command: "a" } } }));
  await drive({ key: `GET ${W}/mcp`, path: `${w}/mcp`, status: 200 });
  await drive({ key: `GET ${W}/mcp/arguments`, path: `${w}/mcp/arguments?command=mcp__a__x`, status: 200 });
  const servers = [{ transport: "stdio", name: "a", command: "a", args: [], env: {} }];
  await drive({ key: `PUT ${S}/mcp`, path: `${s}/mcp`, body: { servers }, status: 200 });
  await drive({ key: `POST ${W}/mcp/{name}/test`, path: `${w}/mcp/a/test`, status: 200 });
  for (const [method, what, status] of [
    ["POST", "login", 400],
    ["GET", "login", 400],
    ["POST", "logout", 400],
  ] as const)
    await drive({
      ...{ key: `${method} ${W}/mcp/{name}/${what}`, path: `${w}/mcp/a/${what}`, status },
      ...(what === "login" && method === "POST" && { body: {} }),
    });
  const offered = await drive({ key: `GET ${W}/trust`, path: `${w}/trust`, status: 200 });
  const hash = offered.trust?.hash ?? "";
  await drive({ key: `POST ${W}/trust`, path: `${w}/trust`, body: { hash }, status: 200 });
  await drive({ key: `DELETE ${W}/trust`, path: `${w}/trust`, status: 200 });
  const asked = { path: world.home.project, prompt: "go", agents: ["hearth"], isolation: "in_place" };
  const { task } = await drive({ key: "POST /v1/tasks", path: "/v1/tasks", body: asked, status: 202 });
  const T = "/v1/tasks/{tid}";
  await drive({ key: `GET ${W}/engines`, path: `${w}/engines`, status: 200 });
  await drive({ key: "GET /v1/tasks", path: "/v1/tasks?limit=5", status: 200 });
  await drive({ key: `GET ${T}`, path: `/v1/tasks/${task?.id}`, status: 200 });
  await drive({ key: `POST ${T}/cancel`, path: `/v1/tasks/${task?.id}/cancel`, status: 200 });
  await drive({ key: `DELETE ${S}`, path: `${w}/sessions/${fullId}`, status: 200 });
  await drive({ key: `DELETE ${W}`, path: `/v1/workspaces/${otherId}`, status: 202 });
  await drive({
    key: "POST /v1/daemon/shutdown",
    path: "/v1/daemon/shutdown",
    body: { grace_ms: 100 },
    status: 202,
  });

  // The stream was driven by `terminal`, whose every event was checked by its schema.
  seen.set(`GET ${W}/events`, new Set([200]));
  const missing = allKeys(document).flatMap((key) =>
    Object.keys(operationOf(key).responses)
      .filter((status) => /^2\d\d$/.test(status) && !seen.get(key)?.has(Number(status)))
      .map((status) => `${key} ${status}`)
      // Driven where there is a worktree, or an MCP server or an agent that has a login.
      .filter((key) => !/changes\/|branch|patch|(mcp|agent)\/\{name\}\/log/.test(key)),
  );
  expect(missing).toEqual([]);
});

describe("errors", () => {
  const none = {
    ...{ wid: "ws", sid: "ses", rid: "run", pid: "prm", cid: "nobody" },
    ...{ chid: "chg", jid: "job", tid: "tsk" },
  } as const;
  const absent = (name: keyof typeof none) => `${none[name]}_${"0".repeat(32)}`;

  /** The path of a route with ids of things that are there, but for `missing`. */
  function fill(
    terminal: Terminal,
    path: string,
    missing: string | undefined,
    form: "absent" | "malformed",
  ): string {
    return path.replace(/\{(\w+)\}/g, (_, name: string) => {
      if (name === missing) return form === "absent" ? absent(name as keyof typeof none) : "nonsense";
      if (name === "wid") return terminal.wid;
      if (name === "sid") return terminal.sid;
      return absent(name as keyof typeof none);
    });
  }

  test("of every documented route are documented errors: 400, 404, 405, 413, 415", async () => {
    const { terminal, document, judge, operationOf } = await openDrivenWorld();
    const { api } = terminal;
    const before = await terminal.snapshot();
    const codes: Record<string, string> = {
      wid: "workspace_not_found",
      sid: "session_not_found",
      rid: "run_not_found",
      pid: "permission_not_found",
      cid: "not_found",
      chid: "change_not_found",
      name: "not_found",
      jid: "job_not_found",
      tid: "task_not_found",
    };
    const codeOf = (reply: ApiReply) =>
      (reply.json as { error?: { code?: string } } | undefined)?.error?.code;
    for (const key of allKeys(document)) {
      const [method = "", path = ""] = key.split(" ");
      const operation = operationOf(key);
      const takesBody = operation.requestBody !== undefined;
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
      const good: Record<string, unknown> = {
        [`POST /v1/workspaces/{wid}/agent`]: { session_id: terminal.sid, prompt: "x" },
        [`POST /v1/workspaces/{wid}/permissions/{pid}`]: { decision: "deny" },
        [`POST /v1/workspaces/{wid}/grants/revoke`]: { ids: [1] },
        [`POST /v1/workspaces/{wid}/trust`]: { hash: "abc" },
        [`POST /v1/workspaces/{wid}/agent/{name}/login`]: { id: "key" },
        [`POST /v1/workspaces/{wid}/imports`]: sessionFile,
        [`POST /v1/workspaces/{wid}/imports/{sid}/messages`]: { messages: [] },
        [`POST /v1/workspaces/{wid}/login`]: { provider: "local", key: "k" },
        [`POST /v1/workspaces/{wid}/logout`]: { provider: "local" },
        [`PUT /v1/workspaces/{wid}/sessions/{sid}/mcp`]: { servers: [] },
        [`PATCH /v1/workspaces/{wid}/clients/{cid}`]: { session_id: null },
        [`POST /v1/workspaces/{wid}/changes/apply`]: { ids: [absent("chid")] },
        [`POST /v1/workspaces/{wid}/changes/reject`]: { ids: [absent("chid")] },
        [`POST /v1/workspaces/{wid}/changes/revert`]: { ids: [absent("chid")] },
      };
      for (const name of names) {
        for (const form of ["absent", "malformed"] as const) {
          const body = good[key] ?? {};
          const reply = await api.call(method, fill(terminal, path, name, form), takesBody ? { body } : {});
          expect([key, name, form, reply.status, codeOf(reply)]).toEqual([key, name, form, 404, codes[name]]);
          judge.check(operation, reply);
        }
      }
      const filled = fill(terminal, path, undefined, "absent");
      if (path !== "/v1/daemon/shutdown") {
        const wrong = await api.call(method === "PUT" ? "PATCH" : "PUT", filled);
        expect([key, wrong.status, codeOf(wrong)]).toEqual([key, 405, "method_not_allowed"]);
        expect(wrong.headers.allow?.split(", ")).toContain(method);
        judge.check(operation, wrong);
      }
      if (takesBody) {
        const refusals: [string, Parameters<typeof api.call>[2], number, string][] = [
          ["no JSON", { raw: "{", headers: { "content-type": "application/json" } }, 400, "invalid_request"],
          ["an array", { body: [] }, 400, "invalid_request"],
          ["a string", { body: "x" }, 400, "invalid_request"],
          ["no UTF-8", { raw: Buffer.from([0x22, 0xff, 0x22]) }, 400, "invalid_request"],
          [
            "a form",
            { raw: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
            415,
            "unsupported_media_type",
          ],
          ["text", { raw: "{}", headers: { "content-type": "text/plain" } }, 415, "unsupported_media_type"],
          ["33 MiB", { raw: Buffer.alloc(33 * 1024 * 1024, 0x20) }, 413, "body_too_large"],
        ];
        for (const [what, options, status, code] of refusals) {
          const reply = await api.call(method, filled, options);
          expect([key, what, reply.status, codeOf(reply)]).toEqual([key, what, status, code]);
          judge.check(operation, reply);
        }
      }
    }
    const unknown = await api.call("GET", "/v1/nothing");
    expect([unknown.status, codeOf(unknown)]).toEqual([404, "not_found"]);
    const now = await terminal.snapshot();
    expect({ ...now, seq: 0 }).toEqual({ ...before, seq: 0 });
  });

  test("name the field that was wrong, wherever it was", async () => {
    const { terminal } = await openDrivenWorld();
    const wrong: [string, string, object | undefined, string][] = [
      [
        "POST",
        "/agent",
        { session_id: terminal.sid, prompt: "x", attachments: [{ name: "a" }] },
        "attachments.0.media_type",
      ],
      ["POST", "/agent", { session_id: terminal.sid, prompt: "x", env: { A: 1 } }, "env.A"],
      ["POST", "/agent", { session_id: terminal.sid, prompt: "x", max_steps: 0 }, "max_steps"],
      ["POST", "/agent", { session_id: terminal.sid, prompt: "x", agent: "nobody" }, "agent"],
      ["POST", "/sessions", { mode: "root" }, "mode"],
      ["POST", "/sessions", { agent: "nobody" }, "agent"],
      ["POST", "/sessions", { title: "x".repeat(501) }, "title"],
      ["PATCH", `/sessions/${terminal.sid}`, { archived: "yes" }, "archived"],
      ["GET", "/sessions?limit=0", undefined, "limit"],
      ["GET", "/sessions?limit=abc", undefined, "limit"],
      ["GET", `/sessions/${terminal.sid}/messages?limit=9999999`, undefined, "limit"],
      ["GET", "/events?since=-1", undefined, "since"],
      ["GET", `/events?kind=${"x".repeat(65)}`, undefined, "kind"],
    ];
    for (const [method, path, body, field] of wrong) {
      const reply = await terminal.api.call(method, terminal.path(path), body ? { body } : {});
      expect([path, reply.status]).toEqual([path, 400]);
      const { error } = reply.json as {
        error: { code: string; message: string; details: { field?: string } };
      };
      expect([path, error.code]).toEqual([path, "invalid_request"]);
      expect(error.message).toContain(field);
      expect([path, error.details.field]).toEqual([path, field]);
    }
  });
});
