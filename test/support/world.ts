import { randomBytes } from "node:crypto";
import { expect, onTestFinished } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import type { PromptReply } from "../../src/protocol/routes/runs.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { Session } from "../../src/protocol/session.ts";
import type { Snapshot } from "../../src/protocol/snapshot.ts";
import type { Workspace } from "../../src/protocol/workspace.ts";
import type { Api } from "./api.ts";
import { type Daemon, type StartOptions, startDaemon } from "./daemon.ts";
import type { EventReader, ReadOptions } from "./event-reader.ts";
import { createHome, type Home, localConfig } from "./home.ts";
import { checkNobodyLeft, checkSecrets, checkStore } from "./invariants.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";
import { descendantsOf, type Found, signal } from "./processes.ts";
import { comparable, replay } from "./replica.ts";
import { canShareDaemon, startSharedDaemon } from "./shared-daemon.ts";

type Values = Record<string, unknown>;

/** One attached client of a workspace and one session in it, in the words of a person. */
export type Terminal = {
  readonly id: string;
  readonly api: Api;
  readonly events: EventReader;
  readonly wid: string;
  readonly sid: string;
  /** `/v1/workspaces/{wid}` + path. */
  path(path: string): string;
  prompt(text: string, more?: Values): Promise<PromptReply>;
  cancel(scope?: "all" | "active"): Promise<{ canceled: string[]; held: string[] }>;
  /** Prompts and waits for the end. */
  ask(text: string, more?: Values): Promise<RunCompletedPayload>;
  completed(runId: string): Promise<RunCompletedPayload>;
  messages(): Promise<Message[]>;
  runs(): Promise<Run[]>;
  session(): Promise<Session>;
  snapshot(): Promise<Snapshot>;
  answer(permission: Permission, decision: string, more?: Values): Promise<Permission>;
  /** The next question, past or future, that fits. */
  question(fits?: (permission: Permission) => boolean): Promise<Permission>;
};
export type RunCompletedPayload = Extract<HearthEvent, { type: "run.completed" }>["payload"];

export type World = {
  readonly home: Home;
  readonly model: ModelServer;
  /** The daemon that was started last. */
  readonly daemon: Daemon;
  readonly wid: string;
  readonly sid: string;
  /** Attaches one more client to the session. */
  terminal(id: string, options?: ReadOptions & { sid?: string }): Promise<Terminal>;
  openWorkspace(path?: string, env?: Record<string, string>): Promise<Workspace>;
  createSession(fields?: Values): Promise<Session>;
  /** SIGKILL. What it had started is watched for until the end of the test. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts a daemon on the same home again, and opens the workspace in it. */
  restart(options?: StartOptions): Promise<void>;
};

export type WorldOptions = {
  config?: (baseUrl: string) => Config | string;
  /** The client's environment as it is sent with the workspace; LOCAL_KEY and what commands need by default. */
  env?: Record<string, string>;
  /** The model server is the client's proxy, too: for addresses that stand for a provider itself. */
  isProxied?: boolean;
  session?: Values;
  daemon?: StartOptions;
  /** The daemon has a process of its own: for tests of how that process ends, or of what it takes. */
  isAlone?: boolean;
  /** The folder that the test's machine is made in; the temp dir by default. */
  under?: string;
  /** Before the daemon starts. */
  prepare?: (home: Home) => void;
};

/** A home, a model server and a built daemon with one session; cleaned up and checked when the test ends. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const home = createHome(options.under);
  const model = await startModelServer();
  const started: Daemon[] = [];
  const children = new Map<string, Found>();
  const readers: EventReader[] = [];
  const note = () => {
    for (const daemon of started) {
      for (const child of descendantsOf(daemon.pid)) children.set(`${child.pid} ${child.startTime}`, child);
    }
  };

  onTestFinished(async ({ task }) => {
    const passed = task.result?.state !== "fail";
    for (const reader of readers) reader.drop();
    note();
    const logs = started.at(-1)?.log() ?? "";
    for (const daemon of started) await daemon.stop().catch(() => daemon.kill());
    await model.close();
    try {
      if (passed) {
        await checkNobodyLeft(home, [...children.values()]);
        checkStore(home);
        if (model.violations.length > 0) throw new Error(model.violations.join("\n"));
        checkSecrets(home);
      } else if (logs !== "") process.stderr.write(`--- daemon.log of a failed test\n${logs.slice(-4000)}\n`);
    } finally {
      for (const child of children.values()) signal(child, "SIGKILL");
      home.remove();
    }
  });

  home.config((options.config ?? localConfig)(model.baseUrl));
  options.prepare?.(home);
  const start = (again: StartOptions = {}) =>
    options.isAlone || again.args || !canShareDaemon()
      ? startDaemon(home, again)
      : startSharedDaemon(home, again.env);
  started.push(await start(options.daemon));
  const current = () => started.at(-1) as Daemon;
  const clientEnv = () => {
    const { PATH = "", HOME = "", LANG = "", LOCAL_KEY = "", SHELL = "", TMPDIR = "" } = home.env;
    const proxy = options.isProxied ? { HTTP_PROXY: model.origin } : {};
    return options.env ?? { PATH, HOME, LANG, LOCAL_KEY, SHELL, TMPDIR, ...proxy };
  };
  const openWorkspace = async (path = home.project, env = clientEnv()) => {
    const reply = await current().api("opener").call("POST", "/v1/workspaces", { body: { path, env } });
    if (reply.status !== 200 && reply.status !== 201) throw new Error(`opening ${path}: ${reply.text}`);
    return (reply.json as { workspace: Workspace }).workspace;
  };
  const { id: wid } = await openWorkspace();
  const createSession = async (fields: Values = {}) =>
    (
      await current()
        .api("opener")
        .expect<{ session: Session }>(201, "POST", `/v1/workspaces/${wid}/sessions`, { body: fields })
    ).session;
  const { id: sid } = await createSession(options.session);

  return {
    home,
    model,
    get daemon() {
      return current();
    },
    wid,
    sid,
    async terminal(id, { sid: other = sid, ...read } = {}) {
      const events = await current().events(wid, id, { kind: "tui", ...read });
      readers.push(events);
      return createTerminal(current().api(id), events, wid, other);
    },
    openWorkspace,
    createSession,
    async kill() {
      note();
      await current().kill();
    },
    async stop() {
      note();
      await current().stop();
    },
    async restart(again = options.daemon) {
      started.push(await start(again));
      await openWorkspace();
    },
  };
}

function createTerminal(api: Api, events: EventReader, wid: string, sid: string): Terminal {
  const path = (rest: string) => `/v1/workspaces/${wid}${rest}`;
  const ofSession = (rest: string) => path(`/sessions/${sid}${rest}`);
  const terminal: Terminal = {
    id: api.clientId,
    api,
    events,
    wid,
    sid,
    path,
    prompt: (text, more = {}) =>
      api.expect<PromptReply>(202, "POST", path("/agent"), {
        body: { session_id: sid, prompt: text, ...more },
      }),
    cancel: (scope) =>
      api.expect(200, "POST", path(`/agent/sessions/${sid}/cancel`), scope ? { body: { scope } } : {}),
    async ask(text, more) {
      const { run_id } = await terminal.prompt(text, more);
      return terminal.completed(run_id);
    },
    completed: async (runId) =>
      (await events.until("run.completed", (event) => event.payload.run_id === runId)).payload,
    async messages() {
      const query = { limit: 1000 };
      return (await api.expect<{ messages: Message[] }>(200, "GET", ofSession("/messages"), { query }))
        .messages;
    },
    runs: async () => (await api.expect<{ runs: Run[] }>(200, "GET", ofSession("/runs"))).runs,
    session: async () => (await api.expect<{ session: Session }>(200, "GET", ofSession(""))).session,
    snapshot: () =>
      api.expect<Snapshot>(200, "GET", path("/snapshot"), { query: { session_id: sid, limit: 1000 } }),
    answer: async (permission, decision, more = {}) =>
      (
        await api.expect<{ permission: Permission }>(200, "POST", path(`/permissions/${permission.id}`), {
          body: { decision, ...more },
        })
      ).permission,
    question: async (fits = () => true) =>
      (await events.until("permission.requested", (event) => fits(event.payload.permission))).payload
        .permission,
  };
  return terminal;
}

/**
 * design.md §4: what `events` made of `before` is what the daemon says now. `events` is a stream attached no later
 * than `before` was taken. Returns the fresh snapshot.
 */
export async function expectStreamTellsTheTruth(terminal: Terminal, before: Snapshot): Promise<Snapshot> {
  const now = await terminal.snapshot();
  await terminal.events.untilSeq(now.seq);
  expect(comparable(replay(before, terminal.events.events, now.seq, terminal.sid))).toEqual(comparable(now));
  return now;
}

/** Text of the last message, and how it ended. */
export const lastAnswer = (messages: readonly Message[]): { text: string; finish: string | null } => {
  const last = messages.findLast((message) => message.role === "assistant");
  const text = last?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";
  return { text, finish: last?.finish_reason ?? null };
};

/** `user`, `assistant:end_turn`, … in order. */
export const outline = (messages: readonly Message[]): string[] =>
  messages.map((message) =>
    message.role === "user" ? `user: ${textOf(message)}` : `assistant: ${message.finish_reason}`,
  );

const textOf = (message: Message): string =>
  message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

/** A run id of the client's own choosing. */
export const chosenRunId = (): string => `run_${randomBytes(16).toString("hex")}`;

/** Resolves when the terminal has been shown `text` in one part, whole in one event or gathered from several. */
export async function sawText(terminal: Terminal, text: string): Promise<void> {
  const shown = new Map<string, string>();
  await terminal.events.untilAny((event) => {
    if (event.type === "message.created" || event.type === "message.updated") {
      if (event.payload.message.role === "user") return false;
      for (const part of event.payload.message.parts) {
        shown.set(part.id, part.type === "tool_call" ? part.output : "text" in part ? part.text : "");
      }
    } else if (event.type === "part.delta") {
      const { part_id, offset } = event.payload;
      shown.set(part_id, (shown.get(part_id) ?? "").slice(0, offset) + event.payload.text);
    }
    return [...shown.values()].some((found) => found.includes(text));
  }, `the text "${text}"`);
}

/** Resolves when a running tool call has put out `output`. */
export const toolRunning = (terminal: Terminal, output: string): Promise<void> => sawText(terminal, output);

/** Everything that this terminal was told of as an error, in whatever form. */
export function errorsTold({ events }: Terminal): string[] {
  return events.events.flatMap((event) => {
    if (event.type === "run.completed" && event.payload.error) return [event.payload.error.message];
    if (event.type !== "message.created" && event.type !== "message.updated") return [];
    return event.payload.message.parts.flatMap((part) =>
      part.type === "notice" && part.level === "error" ? [part.text] : [],
    );
  });
}

/** What the tools of this daemon have started and is alive, without the guardian that watches over it. */
export const toolsOf = (world: World): Found[] =>
  world.daemon.children().filter((child) => !child.command.includes("hearth-guardian"));
