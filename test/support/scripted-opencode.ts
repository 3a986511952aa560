import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AgentSessionEvent, Remembered, SessionContext } from "../../src/agent/backend.ts";
import { createWarmKeeper } from "../../src/agent/children/warm-keeper.ts";
import { createOpencodeBackend } from "../../src/agent/opencode/backend.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { SessionId } from "../../src/protocol/ids.ts";
import { noModes } from "./backend-plan.ts";
import { createHappenings } from "./happenings.ts";

const sessionID = "ses_scripted";
type Info = Record<string, unknown> & { id: string; role: "user" | "assistant" };
type Stored = { info: Info; parts: Record<string, unknown>[] };

/** What speaks as `opencode serve` is the test itself; its child only says where it listens. */
export async function openScriptedOpencode() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "oc-")));
  const streams = new Set<ServerResponse>();
  const stored: Stored[] = [];
  const asked = createHappenings<{ what: string; body: unknown }>(({ what }) => what);
  let isBusy = false;

  const tell = (type: string, properties: Record<string, unknown>) => {
    for (const stream of streams) stream.write(`data: ${JSON.stringify({ type, properties })}\n\n`);
  };
  const status = (type: "busy" | "idle") => {
    isBusy = type === "busy";
    tell("session.status", { sessionID, status: { type } });
  };
  const message = (info: Info) => {
    const known = stored.find((one) => one.info.id === info.id);
    if (known === undefined) stored.push({ info, parts: [] });
    else known.info = info;
    tell("message.updated", { info });
  };
  const part = (messageID: string, fields: Record<string, unknown>) => {
    const told = { sessionID, messageID, ...fields };
    stored.find((one) => one.info.id === messageID)?.parts.push(told);
    tell("message.part.updated", { part: told });
  };

  const routes: Record<string, (body: unknown) => unknown> = {
    "GET /global/health": () => ({ healthy: true, version: "1.18.33" }),
    "POST /session": () => ({ id: sessionID }),
    "GET /session/status": () => (isBusy ? { [sessionID]: { type: "busy" } } : {}),
    [`GET /session/${sessionID}/message`]: () => stored,
    [`POST /session/${sessionID}/prompt_async`]: (body) => {
      message({ id: (body as { messageID: string }).messageID, sessionID, role: "user" });
      status("busy");
    },
    [`POST /session/${sessionID}/abort`]: () => status("idle") ?? true,
    "GET /permission": () => [],
    "GET /agent": () => [],
    "GET /command": () => [],
    "GET /config/providers": () => ({ providers: [], default: {} }),
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    if (pathname === "/event") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      streams.add(response);
      response.once("close", () => streams.delete(response));
      tell("server.connected", {});
      return;
    }
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const what = `${request.method} ${pathname}`;
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const answer = routes[what];
    const reply = answer?.(body);
    const code = answer === undefined ? 404 : reply === undefined ? 204 : 200;
    response.writeHead(code, { "content-type": "application/json" });
    response.end(reply === undefined ? undefined : JSON.stringify(reply));
    asked.add({ what, body });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const processes = createProcessSupervisor({ recordDir: root });
  const warm = createWarmKeeper({ limits: () => ({ idle_evict_ms: 600_000, max_warm: 6 }), now: Date.now });
  const says = `console.log("opencode server listening on http://127.0.0.1:${port}"); setInterval(() => {}, 1e9)`;
  const env = { PATH: process.env["PATH"] ?? "" };
  const backend = createOpencodeBackend({
    ...{ processes, warm, now: Date.now },
    launch: async ({ agent }) => ({
      ...{ agent, backend: "opencode", command: [process.execPath, "-e", says, "--"], env, modes: noModes },
      ...{ model: null, login: null, mtimeMs: 0 },
    }),
  });
  onTestFinished(async () => {
    await backend.close();
    warm.close();
    await processes.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  const told = createHappenings<AgentSessionEvent>(({ type }) => type);
  const context: SessionContext = {
    ...{ session_id: `ses_${"0".repeat(32)}` as SessionId, agent: "opencode", root, env: {} },
    ...{ model: null, mode: "ask", agent_mode: null, remembered: null },
    remember(value: Remembered) {
      context.remembered = value;
    },
    onEvent: (event) => void told.add(event),
  };
  let serial = 0;
  return {
    told,
    asked,
    status,
    open: () => backend.open(context, AbortSignal.timeout(60_000)),
    title: (title: string) => tell("session.updated", { info: { id: sessionID, title } }),
    /** A prompt that it writes itself. */
    ownPrompt() {
      const id = `msg_own${++serial}`;
      message({ id, sessionID, role: "user" });
      status("busy");
      return id;
    },
    promptId: (): string => stored.findLast(({ info }) => info.role === "user")?.info.id ?? "",
    /** An answer's beginning, its words, and, when the returned function is called, its end. */
    answer(parentID: string, text: string) {
      const id = `msg_answer${++serial}`;
      const info = { id, sessionID, parentID, role: "assistant" as const, cost: 0 };
      const created = Date.now();
      message({ ...info, time: { created } });
      part(id, { id: `prt_${serial}`, type: "text", text, time: { end: created } });
      return () => {
        const tokens = { input: 1, output: 1, reasoning: 0, cache: { read: 0, write: 0 } };
        part(id, { id: `prt_${id}`, type: "step-finish", reason: "stop", cost: 0, tokens });
        message({ ...info, time: { created, completed: created }, finish: "stop", tokens });
        status("idle");
        tell("session.idle", { sessionID });
      };
    },
  };
}
