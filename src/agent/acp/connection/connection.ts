import type { ClientConnection } from "@agentclientprotocol/sdk/unstable";
import { inTime } from "../../../async/wait.ts";
import { HearthError } from "../../../protocol/errors.ts";
import type { StartedChild } from "../../children/child.ts";
import { ClientRefusal } from "../client/files.ts";
import { isAuthRequired, requestFailure } from "../failure.ts";
import { at, isWire, numberOf, textOf, type Wire, wireOf, wiresOf } from "../wire.ts";
import { createMessageStream } from "./message-stream.ts";

const PROTOCOL_VERSION = 1;
/** Updates of a new session can arrive before its id is known. */
const EARLY_SESSIONS_MAX = 16;
const EARLY_UPDATES_MAX = 64;

/** Receives what the agent sends about one session. */
export type SessionSink = {
  update(update: Wire): void;
  /** Permission questions, files and terminals. Throws ClientRefusal. `signal`: the agent withdrew the request. */
  request(method: string, params: Wire, signal: AbortSignal): Promise<unknown>;
};

/** `terminal`: arguments and variables for a start of the agent's program in a terminal; `command` names another one. */
export type AuthMethod = {
  id: string;
  name: string;
  description: string | null;
  terminal: { command: string | null; args: string[]; env: Record<string, string> } | null;
};

export type AgentInfo = {
  name: string | null;
  version: string | null;
  capabilities: Wire;
  auth: readonly AuthMethod[];
};

export type AcpConnection = {
  readonly info: AgentInfo;
  /** Rejects with the library's RequestError, or with a TimeoutError after `timeoutMs`. */
  request(method: string, params: unknown, timeoutMs?: number): Promise<unknown>;
  notify(method: string, params: unknown): void;
  /** Starts delivery of a session's messages; the returned function ends it. */
  attach(sessionId: string, sink: SessionSink): () => void;
  sessions(): number;
  /** A session is open in it, or being opened. */
  readonly isShared: boolean;
  /** While `work` opens a session, updates of unknown sessions are kept until `attach`. */
  whileOpening<T>(work: Promise<T>): Promise<T>;
  /** Updates that came for unknown sessions. */
  readonly strayUpdates: number;
};

export type ConnectOptions = {
  agent: string;
  /** The agent may ask us to read files. */
  readsFiles: boolean;
  version: string;
  /** The command that updates the agent; null if unknown. */
  update: string | null;
  /** The agent's version, for agents that do not send it over the protocol; null if unknown. */
  askVersion(): Promise<string | null>;
  now(): number;
};

const clientMethods = [
  "session/request_permission",
  "fs/read_text_file",
  "fs/write_text_file",
  "terminal/create",
  "terminal/output",
  "terminal/wait_for_exit",
  "terminal/kill",
  "terminal/release",
] as const;

/** Connects to a child that was just started, and initializes the protocol. */
export async function connectAcp(child: StartedChild, options: ConnectOptions): Promise<AcpConnection> {
  // Costs 130 ms and 25 MB, so it is loaded only when an agent is used.
  const sdk = await import("@agentclientprotocol/sdk/unstable");
  const sinks = new Map<string, SessionSink>();
  const early = new Map<string, Wire[]>();
  let opening = 0;
  let strayUpdates = 0;

  function onUpdate(params: Wire) {
    const id = textOf(params["sessionId"]);
    const update = params["update"];
    if (id === undefined || !isWire(update)) return;
    const sink = sinks.get(id);
    if (sink !== undefined) return sink.update(update);
    strayUpdates += 1;
    if (opening === 0) return;
    const kept = early.get(id) ?? [];
    if (early.size >= EARLY_SESSIONS_MAX || kept.length >= EARLY_UPDATES_MAX) return;
    early.set(id, [...kept, update]);
  }

  async function onRequest(method: string, params: Wire, signal: AbortSignal): Promise<unknown> {
    const sink = sinks.get(textOf(params["sessionId"]) ?? "");
    try {
      if (sink === undefined)
        throw new ClientRefusal(-32602, `${method}: no session of that id is open here`);
      return await sink.request(method, params, signal);
    } catch (error) {
      if (error instanceof ClientRefusal) throw new sdk.RequestError(error.code, error.message);
      throw error;
    }
  }

  let app = sdk.client({ name: "hearth" });
  for (const method of clientMethods) {
    app = app.onRequest(method, wireOf, ({ params, signal }) => onRequest(method, params, signal));
  }
  const connection: ClientConnection = app.connect(
    createMessageStream({
      stdin: child.stdin,
      stdout: child.stdout,
      onUpdate,
      onNoise: child.logOutput,
      onBroken: child.fail,
      now: options.now,
    }),
  );
  connection.signal.addEventListener("abort", child.connectionLost, { once: true });

  const request: AcpConnection["request"] = (method, params, timeoutMs) => {
    const answer = connection.agent.request<unknown, unknown>(method, params);
    return timeoutMs === undefined ? answer : inTime(answer, timeoutMs, `${method} was not answered`);
  };

  const asked = options.askVersion();
  const answer = await request("initialize", {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {
      fs: { readTextFile: options.readsFiles, writeTextFile: true },
      terminal: true,
      auth: { terminal: true },
      // Agents from before the protocol had it.
      _meta: { "terminal-auth": true },
      session: { notices: {}, compaction: {}, configOptions: { boolean: {} } },
    },
    clientInfo: { name: "hearth", title: "hearth", version: options.version },
  }).catch((error: unknown) => {
    const failure = requestFailure(error);
    if (failure === undefined) throw error;
    throw new HearthError(
      isAuthRequired(failure) ? "provider_auth" : "agent_unavailable",
      `${options.agent} refused the connection: ${failure.text}.`,
      { cause: error },
    );
  });
  const spoken = numberOf(at(answer, "protocolVersion"));
  if (spoken !== PROTOCOL_VERSION) throw otherVersion(spoken, options);

  const info = infoOf(answer);
  const version = info.version ?? (await asked);
  return {
    info: { ...info, version },
    request,
    notify: (method, params) => void connection.agent.notify(method, params).catch(() => {}), // `connection.signal` reports a lost connection
    attach(sessionId, sink) {
      sinks.set(sessionId, sink);
      for (const update of early.get(sessionId) ?? []) sink.update(update);
      early.delete(sessionId);
      return () => {
        if (sinks.get(sessionId) === sink) sinks.delete(sessionId);
      };
    },
    sessions: () => sinks.size,
    get isShared() {
      return sinks.size > 0 || opening > 0;
    },
    async whileOpening(work) {
      opening += 1;
      try {
        return await work;
      } finally {
        opening -= 1;
        // Only after the caller has attached to the new session.
        setImmediate(() => opening === 0 && early.clear());
      }
    },
    get strayUpdates() {
      return strayUpdates;
    },
  };
}

function otherVersion(spoken: number | undefined, { agent, update }: ConnectOptions): HearthError {
  const isNewer = spoken !== undefined && spoken > PROTOCOL_VERSION;
  const fix = isNewer ? "update hearth" : `update ${agent}${update === null ? "" : `: ${update}`}`;
  return new HearthError(
    "agent_unavailable",
    `${agent} speaks version ${spoken ?? "(unknown)"} of the Agent Client Protocol, hearth speaks ${PROTOCOL_VERSION}: ${fix}.`,
    { details: isNewer || update === null ? {} : { fix: update } },
  );
}

function infoOf(answer: unknown): AgentInfo {
  const info = at(answer, "agentInfo");
  return {
    name: textOf(at(info, "title")) ?? textOf(at(info, "name")) ?? null,
    version: textOf(at(info, "version")) ?? null,
    capabilities: wireOf(at(answer, "agentCapabilities")),
    auth: wiresOf(at(answer, "authMethods")).flatMap((method) => {
      const id = textOf(method["id"]);
      if (id === undefined) return [];
      const [name, description] = [textOf(method["name"]) ?? id, textOf(method["description"]) ?? null];
      return [{ id, name, description, terminal: terminalOf(method) }];
    }),
  };
}

function terminalOf(method: Wire): AuthMethod["terminal"] {
  const early = at(method, "_meta", "terminal-auth");
  const given = method["type"] === "terminal" ? method : isWire(early) ? early : undefined;
  if (given === undefined) return null;
  const { args } = given;
  return {
    command: textOf(at(early, "command")) ?? null,
    args: Array.isArray(args) ? args.filter((arg) => typeof arg === "string") : [],
    env: Object.fromEntries(
      Object.entries(wireOf(given["env"])).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
  };
}
