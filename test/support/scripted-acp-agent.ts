// An ACP agent that does what the test at the other end of SCRIPTED_ACP tells it, right or wrong. Started as a child
// process by the backend under test; `scripted-acp.ts` is the test's end.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";
import { type AgentContext, agent, ndJsonStream, RequestError } from "@agentclientprotocol/sdk/unstable";
import type { AgentOrder, AgentReport, AgentStart, Deed, PlayedTurn } from "./scripted-acp.ts";

type Json = Record<string, unknown>;

// A login in a terminal: it has succeeded when the agent is told so by its environment.
if (process.argv.includes("--login")) {
  process.stdout.write(`logging in at ${process.env["LOGIN_AT"]}\n`);
  process.exit(process.env["LOGIN_AT"] === undefined ? 1 : 0);
}

const socket = connect(process.env["SCRIPTED_ACP"] ?? "");
const orders = createInterface({ input: socket });
const report = (said: AgentReport) => void socket.write(`${JSON.stringify({ ...said, pid: process.pid })}\n`);
socket.on("error", () => process.exit(0)); // the test is over
socket.on("close", () => process.exit(0));

const gates = new Map<string, (() => void)[]>();
const opened = new Set<string>();
const turns: { resolve(turn: PlayedTurn): void }[] = [];
const start = Promise.withResolvers<AgentStart>();
orders.on("line", (line) => {
  const order = JSON.parse(line) as AgentOrder;
  if (order.order === "start") start.resolve(order.start);
  else if (order.order === "play") turns.shift()?.resolve(order.turn);
  else {
    opened.add(order.gate);
    for (const pass of gates.get(order.gate) ?? []) pass();
  }
});
report({ said: "spawned", env: process.env });
const settings = await start.promise;

const writeRaw = (text: string) => void process.stdout.write(text);
const forever = () => new Promise<never>(() => {});

if (settings.stderr !== undefined) process.stderr.write(settings.stderr);
if (settings.atStart === "exit") process.exit(settings.exitCode ?? 1);
if (settings.atStart === "ignore_term") process.on("SIGTERM", () => {});
if (settings.raw !== undefined) writeRaw(settings.raw);

/** The turn of each session that is being played. */
const playing = new Map<string, { cancel: AbortController; onCancel: PlayedTurn["onCancel"] }>();
let sessions = 0;
const held = new Set<string>();

const answer = async (
  method: keyof NonNullable<AgentStart["answers"]>,
  params: unknown,
  otherwise: () => Json,
) => {
  report({ said: "request", method, params });
  const how = settings.answers?.[method];
  if (how === "never") return forever();
  if (how === "exit") process.exit(settings.exitCode ?? 1);
  if (how !== undefined && "gate" in how) await passGate(how.gate, new AbortController().signal);
  else if (how !== undefined && "error" in how)
    throw new RequestError(how.error.code, how.error.message, how.error.data);
  else if (how !== undefined && "updates" in how) for (const update of how.updates) notify(update);
  return otherwise();
};
const notify = (params: Json) =>
  writeRaw(`${JSON.stringify({ jsonrpc: "2.0", method: "session/update", params })}\n`);

const app = agent({ name: "scripted" })
  .onRequest("initialize", async ({ params }) => {
    return (await answer("initialize", params, () => ({
      protocolVersion: settings.protocolVersion ?? 1,
      ...(settings.isNameless
        ? {}
        : { agentInfo: { name: "scripted", version: settings.version ?? "1.0.0" } }),
      agentCapabilities: {
        loadSession: settings.loads ?? true,
        mcpCapabilities: { http: settings.takesHttp ?? false },
        promptCapabilities: { image: true, embeddedContext: true },
        sessionCapabilities: {
          ...(settings.keepsOpen ? {} : { close: {} }),
          ...(settings.resumes ? { resume: {} } : {}),
        },
      },
      authMethods: settings.authMethods ?? [{ id: "key", name: "A key" }],
    }))) as never;
  })
  .onRequest("authenticate", async ({ params }) => {
    return (await answer("authenticate", params, () => ({}))) as never;
  })
  .onRequest("session/new", async ({ params }) => {
    sessions += 1;
    const sessionId = `scripted-${process.pid}-${sessions}`;
    for (const update of settings.early ?? []) notify({ sessionId, update });
    return (await answer("session/new", params, () => {
      if (held.size >= (settings.sessionsMax ?? Number.POSITIVE_INFINITY))
        throw new RequestError(-32603, "Internal error", { details: "a session is open already" });
      held.add(sessionId);
      return { sessionId, ...settings.session };
    })) as never;
  })
  .onRequest("session/load", async ({ params }) => {
    const { sessionId } = params;
    const old = (sessionUpdate: string, text: string) =>
      notify({ sessionId, update: { sessionUpdate, content: { type: "text", text } } });
    return (await answer("session/load", params, () => {
      old("user_message_chunk", "old question");
      old("agent_message_chunk", "old answer");
      return { ...settings.session };
    })) as never;
  })
  .onRequest("session/resume", async ({ params }) => {
    return (await answer("session/resume", params, () => ({ ...settings.session }))) as never;
  })
  .onRequest("session/close", async ({ params }) => {
    const { sessionId } = params;
    return (await answer("session/close", params, () => ({ wasHeld: held.delete(sessionId) }))) as never;
  })
  .onRequest("session/set_mode", async ({ params }) => {
    return (await answer("session/set_mode", params, () => ({}))) as never;
  })
  .onRequest("session/set_config_option", async ({ params }) => {
    return (await answer("session/set_config_option", params, () => ({
      configOptions: settings.session?.["configOptions"] ?? [],
    }))) as never;
  })
  .onRequest(
    "session/set_model",
    (params) => params as Json,
    async ({ params }) => {
      return answer("session/set_model", params, () => ({}));
    },
  )
  .onNotification("session/cancel", ({ params }) => {
    report({ said: "request", method: "session/cancel", params });
    const turn = playing.get(params.sessionId);
    if (turn?.onCancel === "exit") process.exit(settings.exitCode ?? 1);
    if (turn?.onCancel !== "ignore") turn?.cancel.abort();
  })
  .onRequest("session/prompt", async ({ params, client, requestId }) => {
    const { sessionId } = params;
    const { promise, resolve } = Promise.withResolvers<PlayedTurn>();
    turns.push({ resolve });
    report({ said: "request", method: "session/prompt", params });
    const turn = await promise;
    const cancel = new AbortController();
    playing.set(sessionId, { cancel, onCancel: turn.onCancel });
    const place = { sessionId, client, requestId, signal: cancel.signal };
    let result: Json = { stopReason: "end_turn" };
    try {
      for (const deed of turn.deeds) result = (await play(deed, place)) ?? result;
    } catch (error) {
      if (!cancel.signal.aborted) throw error;
      result = { stopReason: turn.onCancel === "end_turn" ? "end_turn" : "cancelled" };
    } finally {
      if (playing.get(sessionId)?.cancel === cancel) playing.delete(sessionId);
    }
    if (cancel.signal.aborted && turn.onCancel === "never") return forever();
    const after = turn.after ?? [];
    if (after.length > 0) {
      setTimeout(() => {
        void (async () => {
          for (const deed of after) await play(deed, { ...place, signal: new AbortController().signal });
          report({ said: "played", what: "after" });
        })();
      }, turn.afterMs ?? 0);
    }
    return result as never;
  });

type Place = { sessionId: string; client: AgentContext; requestId: unknown; signal: AbortSignal };

async function orCanceled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([work, promise]);
}

async function passGate(gate: string, signal: AbortSignal): Promise<void> {
  if (opened.has(gate)) return;
  const passed = new Promise<void>((resolve) => gates.set(gate, [...(gates.get(gate) ?? []), resolve]));
  await orCanceled(passed, signal);
}

/** What it answers ends the turn with that result, unless more follows. */
async function play(deed: Deed, place: Place): Promise<Json | undefined> {
  const { sessionId, client, signal } = place;
  signal.throwIfAborted();
  const update = (fields: Json) => client.notify("session/update", { sessionId, update: fields } as never);
  const chunk = (sessionUpdate: string, text: string) =>
    update({ sessionUpdate, content: { type: "text", text } });
  const request = async (method: string, params: Json): Promise<Json> => {
    const result = await client.request<Json, Json>(method, { sessionId, ...params }).then(
      (found) => ({ result: found }),
      (error: unknown) => ({
        error: error instanceof RequestError ? error.toErrorResponse() : String(error),
      }),
    );
    report({ said: "answered", method, answer: result });
    return result;
  };
  switch (deed.do) {
    case "say":
      for (const text of deed.texts) await chunk("agent_message_chunk", text);
      return undefined;
    case "think":
      await chunk("agent_thought_chunk", deed.text);
      return undefined;
    case "update":
      await update(deed.update);
      return undefined;
    case "notify":
      notify(deed.params);
      return undefined;
    case "flood": {
      const text = "x".repeat(deed.bytesEach);
      for (let n = 0; n < deed.count; n += 1) await chunk("agent_message_chunk", text);
      return undefined;
    }
    case "raw":
      writeRaw(deed.text);
      return undefined;
    case "raw_bytes": {
      // Written as the pipe takes them: a line without end.
      const block = Buffer.alloc(1024 * 1024, deed.byte ?? "x");
      for (let left = deed.bytes; left > 0; left -= block.length) {
        const part = left < block.length ? block.subarray(0, left) : block;
        if (!process.stdout.write(part))
          await new Promise<void>((resolve) => process.stdout.once("drain", () => resolve()));
      }
      return undefined;
    }
    case "stderr_bytes": {
      const line = `${"e".repeat(1023)}\n`;
      for (let left = deed.bytes; left > 0; left -= line.length) {
        if (!process.stderr.write(line))
          await new Promise<void>((resolve) => process.stderr.once("drain", () => resolve()));
      }
      // A full pipe takes it later, and what still waits when the process exits is lost.
      await new Promise<void>((resolve) => process.stderr.write(deed.last, () => resolve()));
      return undefined;
    }
    case "ask": {
      const options = deed.options ?? [
        { optionId: "always", name: "Always", kind: "allow_always" },
        { optionId: "once", name: "Once", kind: "allow_once" },
        { optionId: "no", name: "No", kind: "reject_once" },
      ];
      const asking = request("session/request_permission", { toolCall: deed.toolCall, options });
      const answered = await (deed.isPatient ? asking : orCanceled(asking, signal));
      const outcome = ((answered["result"] as Json | undefined)?.["outcome"] ?? {}) as Json;
      const next = outcome["optionId"] === "once" ? deed.allowed : deed.refused;
      let last: Json | undefined;
      for (const each of next ?? []) last = (await play(each, place)) ?? last;
      return last;
    }
    case "request":
      await orCanceled(request(deed.method, deed.params), signal);
      return undefined;
    case "terminal": {
      const { result } = await request("terminal/create", deed.params);
      const terminalId = (result as Json | undefined)?.["terminalId"];
      if (terminalId === undefined) return undefined;
      if (deed.toolCallId !== undefined) {
        const content = [{ type: "terminal", terminalId }];
        await update({ sessionUpdate: "tool_call_update", toolCallId: deed.toolCallId, content });
      }
      // As goose does: neither kill nor release when it is canceled.
      const exit = await orCanceled(request("terminal/wait_for_exit", { terminalId }), signal);
      await request("terminal/output", { terminalId });
      await request("terminal/release", { terminalId });
      const { exitCode } = (exit["result"] ?? {}) as { exitCode?: number };
      if (deed.toolCallId !== undefined) {
        const status = exitCode === 0 ? "completed" : "failed";
        await update({ sessionUpdate: "tool_call_update", toolCallId: deed.toolCallId, status });
      }
      return undefined;
    }
    case "own_shell": {
      const child = spawn("/bin/sh", ["-c", deed.command], {
        detached: deed.detached ?? false,
        stdio: "ignore",
      });
      report({ said: "shell", shellPid: child.pid ?? 0 });
      return undefined;
    }
    case "mark":
      report({ said: "played", what: deed.what });
      return undefined;
    case "hold":
      await passGate(deed.gate, signal);
      return undefined;
    case "hang":
      return orCanceled(forever(), signal);
    case "exit":
      return process.exit(deed.code);
    case "die":
      process.kill(process.pid, "SIGKILL");
      return forever();
    case "fail":
      throw new RequestError(deed.code, deed.message, deed.data);
    case "respond":
      writeRaw(
        `${JSON.stringify({ jsonrpc: "2.0", id: deed.id ?? place.requestId, result: deed.result })}\n`,
      );
      return undefined;
    case "stop":
      return deed.result;
  }
}

app.connect(
  ndJsonStream(
    Writable.toWeb(process.stdout) as WritableStream<Uint8Array>,
    Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>,
  ),
);
process.stdin.on("end", () => {
  if (settings.atStart !== "ignore_term") process.exit(0);
});
