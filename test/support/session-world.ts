// Long because it ties the parts of a daemon that a session needs, as create-services.ts does.
import type { OpenedSession } from "../../src/agent/backend.ts";
import { createFolderGate, type FolderGate } from "../../src/agent/files/folder-gate.ts";
import { createDiskJudge, type DiskJudge } from "../../src/agent/permission/judge-on-disk.ts";
import { ignoreError, inBackground } from "../../src/async/in-background.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { RunId, SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { Snapshot } from "../../src/protocol/snapshot.ts";
import { type AgentSource, createAgents } from "../../src/server/agents.ts";
import { createCoordinators } from "../../src/server/coordinators.ts";
import { createEnvironments } from "../../src/server/environments.ts";
import { createEventHub } from "../../src/server/events/hub.ts";
import { createJournal, type JournalTx } from "../../src/server/events/journal.ts";
import { createPermissions } from "../../src/server/permissions.ts";
import { createRuns } from "../../src/server/runs.ts";
import { createSessions } from "../../src/server/sessions.ts";
import { createSnapshot } from "../../src/server/snapshot.ts";
import type { Store } from "../../src/server/store/open.ts";
import { createStoreWatch } from "../../src/server/store/watch.ts";
import { createWorkspaces } from "../../src/server/workspaces.ts";
import { createScriptedBackend, newId } from "./scripted-session.ts";

const AGENT = "scripted";

/** A daemon without HTTP, processes and models: everything that a session's runs go through is real. */
export function openSessionWorld(
  store: Store,
  project: string,
  now: () => Date,
  disk: { folders: FolderGate; judge: DiskJudge } = { folders: createFolderGate(), judge: createDiskJudge() },
) {
  const { folders, judge } = disk;
  const reports: unknown[] = [];
  const opened = new Set<OpenedSession>();
  const scripted = createScriptedBackend();
  const backend = {
    ...scripted.backend,
    async open(...args: Parameters<typeof scripted.backend.open>) {
      const session = await scripted.backend.open(...args);
      opened.add(session);
      return Object.assign(session, { close: async () => void opened.delete(session) });
    },
  };
  const source: AgentSource = {
    backend,
    describe: async () => ({
      ...{ name: AGENT, backend: "native", status: "ready", reason: null, fix: null, version: null },
      ...{ model: null, models: [], modes: [], commands: [] },
    }),
  };
  const report = (message: string, cause: unknown) => void reports.push({ message, cause });
  const log = {
    info: () => {},
    warn: () => {},
    error: (message: string, fields?: Readonly<Record<string, unknown>>) => {
      if (!message.startsWith("the store cannot be written")) report(message, fields);
    },
  };
  const hub = createEventHub(store, now);
  const environments = createEnvironments("/nowhere", {}, hub.isAttached);
  const journal = createJournal({
    ...{ store, hub, now, report, monotonicMs: () => now().getTime() },
    present: (session, runtime) => sessions.present(session, runtime),
    cancelQuestions: (tx, run) => permissions.cancelRun(tx, run),
  });
  const sessionChanged = (tx: JournalTx, sid: SessionId) =>
    journal.changeSession(tx, sid, coordinators.known(sid)?.runtime() ?? { running: false, queued: 0 });
  const permissions = createPermissions({
    ...{ store, hub, journal: () => journal, judge, sessionChanged, newId, now },
    modeOf: (run) => run.mode ?? store.sessions.get(run.session_id)?.mode ?? "ask",
    setMode: (wid, sid, mode, by) => void sessions.services.update(wid, sid, { mode }, by),
    policy: (wid, sid, mode) => ({
      ...{ mode, rules: { allow: [], ask: [], deny: [] }, protectedPaths: [], tempDirs: [] },
      grants: { session: store.grants.ofSession(wid, sid), always: store.grants.always(wid) },
      ...{ root: project, home: project },
    }),
  });
  const agents = createAgents({
    onEngine: () => undefined,
    ...{ store, journal, sessionChanged, newId, now, updateFacts: () => {} },
    sources: () => new Map([[AGENT, source]]),
    warmth: (sid, agent) => coordinators.known(sid)?.warmth(agent) ?? null,
    busyAgent: (sid) => coordinators.known(sid)?.busyAgent() ?? null,
  });
  const coordinators = createCoordinators({
    subagents: () => ({ run: async () => null }),
    worktrees: { ready: async () => {}, rootOf: () => project },
    containers: { of: () => undefined, ready: async () => {}, rest: async () => {} },
    ...{ store, journal, permissions, agents, environments, folders, log, newId, now, onChange: () => {} },
    refresh: async () => {},
    budget: () => ({ max_run_cost: Number.POSITIVE_INFINITY, max_run_tokens: Number.POSITIVE_INFINITY }),
    onStoreAway: (wid, sid, error) => watch.update(wid, sid, error),
  });
  const watch = createStoreWatch({
    log,
    tell(wid, trouble) {
      const event = { type: "workspace.updated", payload: { workspace: workspaces.present(wid) } } as const;
      if (trouble === null) return journal.publishIfPossible(wid, (tx) => tx.publish(event));
      journal.publishUnstored(wid, event);
      return true;
    },
  });
  const workspaces = createWorkspaces({
    ...{ store, hub, journal, coordinators, environments, folders, newId, now },
    refresh: async () => {},
    onLastDetach: () => "continue",
    onDetach: (wid) => permissions.unattended(wid, () => "wait"),
    troubleIn: watch.troubleIn,
    onOpened: async (wid) => void (await agents.list(wid)),
    onAttended: () => {},
    onClosed: () => {},
    onBusyChange: () => {},
    stopping: () => undefined,
  });
  const sessions = createSessions({
    onRemoved: () => {},
    checkWorktree: async () => {},
    worktrees: { check: async () => {}, make: async () => {}, reap: async () => {} },
    checkpoints: () => {
      throw new Error("no checkpoints in this world");
    },
    mustBeSafe: async () => {},
    ...{ store, journal, coordinators, agents, newId, now },
    defaults: () => ({ agent: AGENT, model: null, mode: "ask", isolation: "in_place" }),
    onModeChange: (...change) => inBackground(() => permissions.reconsider(...change), ignoreError),
    mustExist: (wid) => void workspaces.rowOf(wid),
    mustAccept: workspaces.mustBeOpen,
    waiting: (sid) => permissions.openCount(sid) > 0,
  });
  const runs = createRuns({
    ...{ store, coordinators, agents, environments, newId },
    sessionOf: sessions.storedOf,
    mustAccept: workspaces.mustBeOpen,
    stepsMax: () => 100,
  });
  const snapshot = createSnapshot({
    ...{ store, hub, journal, workspaces, sessions, coordinators, permissions, agents },
    jobs: () => [],
  });

  workspaces.recover();
  agents.recover(store.workspaces.list().map(({ id }) => id));
  permissions.recover();
  coordinators.recover();

  return {
    scripted,
    sessions: sessions.services,
    runs,
    permissions,
    reports,
    /** Agent sessions that nobody has closed yet. */
    opened,
    openWorkspace: async () => (await workspaces.services.open({ path: project }, "me")).workspace.id,
    snapshot: (wid: WorkspaceId, sid: SessionId): Promise<Snapshot> =>
      snapshot(wid, { session_id: sid, limit: 1000 }),
    /** Attaches a client; what it is told is in the list that is returned. */
    attach(wid: WorkspaceId, since: number | null = null): HearthEvent[] {
      const told: HearthEvent[] = [];
      const attached_at = now().toISOString();
      workspaces.services.attach(wid, { id: newId("ws"), kind: "tui", label: "", attached_at }, since, {
        send(frame) {
          told.push(JSON.parse(/^data: (.*)$/m.exec(frame.toString())?.[1] ?? "{}"));
        },
        whenDrained: (next) => next(),
        end: () => {},
      });
      return told;
    },
    storedEvents: (wid: WorkspaceId): { seq: number; type: string; payload_json: string }[] =>
      store.events.after(wid, 0, { events: 100_000, bytes: Number.MAX_SAFE_INTEGER }).rows,
    run: (id: RunId): Run | undefined => store.runs.get(id),
    questions: (wid: WorkspaceId): Permission[] => permissions.list(wid),
    isAtRest: () => coordinators.all().every((coordinator) => coordinator.isIdle()),
    /** As kill -9 does: nothing more is written. */
    kill() {
      for (const coordinator of coordinators.all()) coordinator.abandon();
      watch.close();
      store.close();
    },
  };
}
