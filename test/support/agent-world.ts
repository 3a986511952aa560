import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { AgentSessionEvent, Backend } from "../../src/agent/backend.ts";
import { createWarmKeeper, type WarmKeeper, type WarmLimits } from "../../src/agent/children/warm-keeper.ts";
import { handoverFor } from "../../src/agent/handover.ts";
import { createDiskJudge } from "../../src/agent/permission/judge-on-disk.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { ProcessSupervisor } from "../../src/agent/process/types.ts";
import { createCoordinator } from "../../src/agent/run/coordinator.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { RunId, SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import type { SessionMcpServer } from "../../src/protocol/mcp.ts";
import type { Message, Part } from "../../src/protocol/message.ts";
import type { Permission, PermissionMode } from "../../src/protocol/permission.ts";
import type { Attachment } from "../../src/protocol/routes/runs.ts";
import type { RunCompleted } from "../../src/protocol/run.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { createEventHub } from "../../src/server/events/hub.ts";
import { createJournal } from "../../src/server/events/journal.ts";
import { createPermissions } from "../../src/server/permissions.ts";
import { newAgentSession } from "../../src/server/store/agent-sessions.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createHappenings, soon } from "./happenings.ts";
import { newId } from "./scripted-session.ts";

/** Real agents take up to 14 s to start on a loaded machine. */
const AGENT_PATIENCE_MS = 90_000;

/** A machine of its own: HOME, a project, a store; nothing of the tests' own environment but PATH. */
export type Place = {
  base: string;
  home: string;
  project: string;
  env: Record<string, string>;
  write(path: string, text: string): string;
  remove(): void;
};

export const createPlace = (): Place => placeAt(realpathSync(mkdtempSync(join(tmpdir(), "ha-"))));

/** Made where it is not there yet. */
export function placeAt(base: string): Place {
  const home = join(base, "home");
  const project = join(base, "project");
  for (const folder of [home, project, join(base, "run")]) mkdirSync(folder, { recursive: true });
  return {
    base,
    home,
    project,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: home,
      TMPDIR: base,
      LANG: "C.UTF-8",
      SHELL: "/bin/sh",
    },
    write(path, text) {
      const file = join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(base, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What backends are made with. */
export type BackendMeans = { processes: ProcessSupervisor; warm: WarmKeeper; place: Place; now(): number };

export type AgentWorldOptions = {
  place: Place;
  /** By agent name. */
  backends(means: BackendMeans): Promise<Record<string, Backend>> | Record<string, Backend>;
  warm?: Partial<WarmLimits>;
  mode?: PermissionMode;
  mcpServers?: () => readonly SessionMcpServer[];
};

export type AgentWorld = Awaited<ReturnType<typeof openAgentWorld>>;
export type PromptOptions = {
  agent?: string;
  model?: string;
  mode?: PermissionMode;
  env?: Record<string, string>;
  attachments?: readonly Attachment[];
  session?: SessionId;
};

/**
 * Sessions on a real store with the real coordinator, journal, hub, judge and supervisor, in this process; the first
 * of `backends` is the one that is prompted when none is named.
 */
export async function openAgentWorld(options: AgentWorldOptions) {
  const { place } = options;
  const store = openStore(join(place.base, "hearth.db"));
  const now = () => new Date();
  const processes = createProcessSupervisor({ recordDir: join(place.base, "run"), killAfterMs: 1000 });
  const limits: WarmLimits = { idle_evict_ms: 600_000, max_warm: 6, ...options.warm };
  const warm = createWarmKeeper({ limits: () => limits, now: Date.now });
  const backends = await options.backends({ processes, warm, place, now: Date.now });
  const [firstAgent] = Object.keys(backends);
  if (firstAgent === undefined) throw new Error("a world needs a backend");
  const hub = createEventHub(store, now);
  const events = createHappenings<HearthEvent>(
    (event) => `${event.type} ${JSON.stringify(event.payload).slice(0, 160)}`,
  );
  const sessionEvents: (AgentSessionEvent & { agent: string; session: SessionId })[] = [];
  const reports: unknown[] = [];

  const journal = createJournal({
    store,
    hub,
    now,
    present: (session, runtime) => ({
      ...session,
      state: runtime.running ? "running" : "idle",
      queued: runtime.queued,
      pending_changes: 0,
      context: null,
    }),
    cancelQuestions: (tx, run) => permissions.cancelRun(tx, run),
    report: (message, cause) => void reports.push({ message, cause }),
    monotonicMs: () => performance.now(),
  });
  const permissions = createPermissions({
    setMode: () => {},
    store,
    hub,
    journal: () => journal,
    judge: createDiskJudge(),
    policy: (workspace, session, mode) => ({
      mode,
      rules: { allow: [], ask: [], deny: [] },
      grants: { session: store.grants.ofSession(workspace, session), always: store.grants.always(workspace) },
      root: place.project,
      home: place.home,
      protectedPaths: [],
      tempDirs: [],
    }),
    modeOf: (run) => run.mode ?? store.sessions.get(run.session_id)?.mode ?? "ask",
    sessionChanged: () => {},
    newId,
    now,
  });

  const wid = findWorkspace();
  function findWorkspace(): WorkspaceId {
    const known = store.workspaces.list()[0];
    if (known) return known.id;
    const id = newId("ws");
    store.transaction("synced", () => store.workspaces.insert(id, place.project, now().toISOString()));
    return id;
  }
  const reader = {
    send(frame: Buffer) {
      const data = /^data: (.*)$/m.exec(frame.toString("utf8"))?.[1];
      if (data === undefined) return;
      const event = JSON.parse(data) as HearthEvent;
      events.add(event);
    },
    whenDrained: (next: () => void) => next(),
    end() {},
  };
  hub.reserve(wid);
  hub.subscribe(
    wid,
    { id: "tester", kind: "tui", label: "tester", attached_at: now().toISOString() } as never,
    null,
    reader,
  );

  type Session = { sid: SessionId; coordinator: ReturnType<typeof createCoordinator> };
  const sessions = new Map<SessionId, Session>();

  function openSession(given?: SessionId): Session {
    const sid = given ?? newId("ses");
    if (given === undefined) {
      const at = now().toISOString();
      store.transaction("synced", () =>
        store.sessions.insert({
          ...{ id: sid, workspace_id: wid, title: "", agent: firstAgent as string, model: null },
          ...{
            mode: options.mode ?? "ask",
            agent_mode: null,
            isolation: "in_place",
            parent_id: null,
            archived: false,
          },
          ...{ created_at: at, updated_at: at, usage: noUsage, cost: 0 },
        }),
      );
    }
    const coordinator = createCoordinator({
      session_id: sid,
      ledger: journal.ledgerOf(wid, sid),
      backend(agent) {
        const backend = backends[agent];
        if (backend === undefined) throw new Error(`no backend for ${agent}`);
        return backend;
      },
      reach: async () => {},
      ask: async () => ({ kind: "nobody" }),
      delegate: async () => null,
      contextOf(run) {
        const row = store.agentSessions.get(sid, run.agent);
        return {
          session_id: sid,
          agent: run.agent,
          root: place.project,
          model: run.model,
          mode: run.mode ?? options.mode ?? "ask",
          mcpServers: options.mcpServers?.(),
          agent_mode: store.sessions.get(sid)?.agent_mode ?? null,
          env: run.env ?? place.env,
          remembered:
            row?.agent_session_id && row.fingerprint
              ? {
                  agent_session_id: row.agent_session_id,
                  fingerprint: row.fingerprint,
                  reported_cost: row.reported_cost,
                }
              : null,
          remember(value) {
            const before = store.agentSessions.get(sid, run.agent);
            store.transaction("relaxed", () =>
              store.agentSessions.put({
                ...newAgentSession(sid, run.agent, backends[run.agent]?.kind ?? "acp"),
                ...before,
                agent_session_id: value.agent_session_id,
                fingerprint: value.fingerprint,
                reported_cost: value.reported_cost ?? before?.reported_cost ?? 0,
              }),
            );
          },
          onEvent: (event) => void sessionEvents.push({ ...event, agent: run.agent, session: sid }),
        };
      },
      handover: (run, opened, transcript) =>
        handoverFor({
          run,
          kind: opened.kind,
          seenSeq: store.agentSessions.get(sid, run.agent)?.seen_seq ?? 0,
          isNative: backends[run.agent]?.kind === "native",
          transcript,
        }),
      budget: () => ({ max_run_cost: Number.POSITIVE_INFINITY, max_run_tokens: Number.POSITIVE_INFINITY }),
      authorize: (run, request, signal) => permissions.authorize(wid, run, request, signal),
      report: (message, cause) => void reports.push({ message, cause }),
      onChange: () => {},
      onStoreAway: () => {},
      monotonicMs: () => performance.now(),
      newId,
      now,
    });
    const unfinished = store.runs.unfinished(sid);
    coordinator.recover(unfinished.map((run) => ({ run, messages: store.messages.ofRun(sid, run.id) })));
    const session = { sid, coordinator };
    sessions.set(sid, session);
    return session;
  }

  const stored = store.sessions.page(wid, { limit: 100, archived: null });
  for (const { id } of stored.toReversed()) openSession(id);
  const main = sessions.values().next().value ?? openSession();
  const sessionOf = (sid: SessionId | undefined): Session => {
    const found = sessions.get(sid ?? main.sid);
    if (found === undefined) throw new Error(`no session ${sid}`);
    return found;
  };

  function messagesOf(runId: RunId): Message[] {
    const sid = store.runs.get(runId)?.session_id;
    return sid === undefined ? [] : store.messages.ofRun(sid, runId);
  }

  const world = {
    place,
    store,
    processes,
    events,
    sessionEvents,
    /** What went wrong without anybody waiting for it. Must stay empty. */
    reports,
    sid: main.sid,
    /** Of the agent's own. */
    chooseMode(agent_mode: string | null) {
      const session = store.sessions.get(main.sid);
      if (session === undefined) throw new Error("the session is gone");
      store.transaction("relaxed", () => store.sessions.update({ ...session, agent_mode }));
    },
    newSession: (): SessionId => openSession().sid,
    coordinator: (sid?: SessionId) => sessionOf(sid).coordinator,
    /** The main session is let go and taken up again from the store. */
    async reload() {
      await sessionOf(main.sid).coordinator.release();
      openSession(main.sid);
    },

    prompt(text: string, { agent, model, mode, env, attachments, session }: PromptOptions = {}): RunId {
      const run_id = newId("run");
      sessionOf(session).coordinator.accept({
        ...{ run_id, prompt: text, attachments: attachments ?? [], agent: agent ?? firstAgent },
        ...{ model: model ?? null, mode: mode ?? null, delivery: "queue", env: env ?? null, max_steps: null },
        ...{ on_question: "wait", request_hash: run_id, by: "tester" },
      });
      return run_id;
    },
    async ended(runId: RunId): Promise<RunCompleted> {
      const isEnd = (event: HearthEvent): event is Extract<HearthEvent, { type: "run.completed" }> =>
        event.type === "run.completed" && event.payload.run_id === runId;
      return (await world.until(isEnd, `the end of ${runId}`)).payload;
    },
    async ask(text: string, more: PromptOptions = {}): Promise<RunCompleted> {
      return world.ended(world.prompt(text, more));
    },
    cancel: (sid?: SessionId) => sessionOf(sid).coordinator.cancel("all", "tester"),
    /** Everything of the session has settled. */
    idle: (sid?: SessionId) =>
      soon(sessionOf(sid).coordinator.whenIdle(), "the session to be idle", AGENT_PATIENCE_MS),
    /** As `events.until`, with a real agent's patience. */
    async until<S extends HearthEvent>(fits: (event: HearthEvent) => event is S, what: string): Promise<S> {
      for (const deadline = performance.now() + AGENT_PATIENCE_MS; ; ) {
        try {
          return await events.until(fits, what);
        } catch (error) {
          const isSlow = error instanceof Error && error.message.startsWith("nothing for");
          if (!isSlow || performance.now() > deadline) throw error;
        }
      }
    },
    /** The next question that has not been answered yet, past or future. */
    async question(fits: (permission: Permission) => boolean = () => true): Promise<Permission> {
      const isOpen = (id: string) => permissions.list(wid).some((open) => open.id === id);
      const isQuestion = (
        event: HearthEvent,
      ): event is Extract<HearthEvent, { type: "permission.requested" }> =>
        event.type === "permission.requested" &&
        isOpen(event.payload.permission.id) &&
        fits(event.payload.permission);
      return (await world.until(isQuestion, "a question")).payload.permission;
    },
    answer: (permission: Permission, decision: "allow_once" | "allow_session" | "deny") =>
      permissions.answer(wid, permission.id, { decision }, "tester"),
    questions: (): Permission[] => permissions.list(wid),
    /** Answers every question of a run the same until it ends. */
    async answering(runId: RunId, decision: "allow_once" | "deny"): Promise<RunCompleted> {
      const answered = new Set<string>();
      for (;;) {
        const next = await world.until(
          (event): event is HearthEvent =>
            (event.type === "run.completed" && event.payload.run_id === runId) ||
            (event.type === "permission.requested" && !answered.has(event.payload.permission.id)),
          "a question or the end",
        );
        if (next.type !== "permission.requested") return world.ended(runId);
        answered.add(next.payload.permission.id);
        if (permissions.list(wid).some(({ id }) => id === next.payload.permission.id))
          world.answer(next.payload.permission, decision);
      }
    },
    messages: (sid?: SessionId): Message[] =>
      store.messages.page(sessionOf(sid).sid, Number.MAX_SAFE_INTEGER, 1000),
    messagesOf: (runId: RunId): Message[] => messagesOf(runId),
    partsOf: (runId: RunId): Part[] =>
      messagesOf(runId)
        .filter(({ role }) => role === "assistant")
        .flatMap(({ parts }) => parts),
    agentSession: (agent = firstAgent, sid?: SessionId) => store.agentSessions.get(sessionOf(sid).sid, agent),
    /** Resolves once that text has been streamed to clients. */
    async sawText(text: string): Promise<void> {
      const shown = new Map<string, string>();
      await world.until((event): event is HearthEvent => {
        if (event.type === "part.delta") {
          const { part_id, offset } = event.payload;
          shown.set(part_id, (shown.get(part_id) ?? "").slice(0, offset) + event.payload.text);
          return (shown.get(part_id) ?? "").includes(text);
        }
        if (event.type !== "message.updated") return false;
        return JSON.stringify(event.payload.message.parts).includes(text);
      }, `the text ${text}`);
    },
    /** In order, as the daemon ends. */
    async close(): Promise<void> {
      for (const { coordinator } of sessions.values()) coordinator.shut();
      await Promise.all([...sessions.values()].map(({ coordinator }) => coordinator.whenIdle()));
      await Promise.all(Object.values(backends).map((backend) => backend.close()));
      await processes.close();
      warm.close();
      events.finish("the world was closed");
      journal.close();
      store.close();
    },
  };
  permissions.recover();
  return world;
}
