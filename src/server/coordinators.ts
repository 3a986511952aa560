import type { Backend, SessionContext } from "../agent/backend.ts";
import type { FolderGate } from "../agent/files/folder-gate.ts";
import { handoverFor } from "../agent/handover.ts";
import { hearthNote } from "../agent/hearth-note.ts";
import { noBudgets } from "../agent/run/budget.ts";
import { type Coordinator, createCoordinator } from "../agent/run/coordinator.ts";
import type { RunBudget } from "../agent/run/host.ts";
import type { RunRecord } from "../agent/run/record.ts";
import { noTurnFiles, type TurnFiles, type TurnFilesNotice } from "../agent/run/turn-files.ts";
import { orAborted, sleep } from "../async/wait.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";
import { messageText } from "../protocol/message-text.ts";
import { SHELL_AGENT } from "../protocol/shell-agent.ts";
import type { Agents } from "./agents.ts";
import type { Budgets } from "./budgets.ts";
import type { Log } from "./daemon/log.ts";
import type { Environments } from "./environments.ts";
import type { Journal } from "./events/journal.ts";
import type { Permissions } from "./permissions.ts";
import type { SessionContainers } from "./session-containers.ts";
import type { Store } from "./store/open.ts";
import type { Subagents } from "./subagents.ts";
import { titleOf } from "./title.ts";
import { directoryToWorkIn, recordIdentity } from "./workspace-folder.ts";
import type { Worktrees } from "./worktrees.ts";

/** Beyond this number the least recently used idle sessions leave memory. Their transcripts are in the store. */
const IDLE_KEPT_MAX = 16;

/** Agent states are published this much later, so that more urgent work goes out first. */
const PUBLISH_DELAY_MS = 5;
/** Agents send a session's title and the turn's cost shortly after the turn has ended. */
const LAST_WORDS_MS = 1000;

type CoordinatorsDeps = {
  store: Store;
  journal: Journal;
  permissions: Permissions;
  subagents: () => Pick<Subagents, "run">;
  agents: Agents;
  environments: Environments;
  folders: FolderGate;
  /** Where each session works. */
  worktrees: Pick<Worktrees, "ready" | "rootOf">;
  /** MCP servers of the session alone. */
  mcpServersOf?(sid: SessionId): readonly SessionMcpServer[];
  containers: Pick<SessionContainers, "of" | "ready" | "rest">;
  /** Reads the workspace's own configuration again, for the run that is about to begin. */
  refresh(wid: WorkspaceId, signal: AbortSignal): Promise<void>;
  /** Resolves when no undo is under way in the workspace. */
  undone?(wid: WorkspaceId): Promise<void>;
  log: Log;
  newId: NewId;
  now: () => Date;
  /** What a run in that workspace may use. */
  budget(wid: WorkspaceId): RunBudget;
  budgets?: Pick<Budgets, "of">;
  /** Watches over the files of a run's turn. */
  files?(wid: WorkspaceId, run: RunRecord, tell: (notice: TurnFilesNotice) => void): TurnFiles;
  onChange(): void;
  /** A session's changes wait for the store because of `error`; null: they wait no longer. */
  onStoreAway(wid: WorkspaceId, sid: SessionId, error: HearthError | null): void;
};

type Entry = { wid: WorkspaceId; coordinator: Coordinator };

export type Coordinators = ReturnType<typeof createCoordinators>;

/** One coordinator for each session in use. The other sessions are only in the store. */
export function createCoordinators(deps: CoordinatorsDeps) {
  const { store, journal, log } = deps;
  /** Least recently used first. */
  const kept = new Map<SessionId, Entry>();
  /** Sessions to release as soon as nothing runs in them. */
  const releasing = new Set<SessionId>();

  /** Checks that the folder is there and reads its present configuration. */
  async function reach(wid: WorkspaceId, sid: SessionId, signal: AbortSignal): Promise<void> {
    const workspace = store.workspaces.get(wid);
    if (workspace === undefined) return; // `contextOf` throws for it
    const { path } = workspace;
    const directory = await deps.folders.enter(path, () => directoryToWorkIn(path), signal);
    recordIdentity(store, store.workspaces.get(wid) ?? workspace, directory);
    await deps.refresh(wid, signal);
    await deps.worktrees.ready(wid, sid, signal);
    await deps.containers.ready(wid, sid, deps.worktrees.rootOf(wid, sid), signal);
    await orAborted(deps.undone?.(wid) ?? Promise.resolve(), signal);
  }

  function contextOf(wid: WorkspaceId, run: RunRecord): SessionContext {
    const session = store.sessions.get(run.session_id);
    const workspace = store.workspaces.get(wid);
    if (session === undefined || workspace === undefined) {
      throw new HearthError("session_not_found", `The session ${run.session_id} is gone.`);
    }
    const row = store.agentSessions.get(run.session_id, run.agent);
    return {
      session_id: run.session_id,
      agent: run.agent,
      root: deps.worktrees.rootOf(wid, run.session_id),
      container: deps.containers.of(run.session_id),
      model: run.model ?? (session.agent === run.agent ? session.model : null),
      mode: run.mode ?? session.mode,
      agent_mode: session.agent === run.agent ? session.agent_mode : null,
      subagent: session.subagent?.kind,
      subagentTools: session.subagent?.tools,
      mcpServers: deps.mcpServersOf?.(run.session_id) ?? [],
      env: run.env ?? deps.environments.forTools(wid, run.by, undefined),
      remembered:
        row?.agent_session_id && row.fingerprint
          ? {
              agent_session_id: row.agent_session_id,
              fingerprint: row.fingerprint,
              reported_cost: row.reported_cost,
            }
          : null,
      remember: (value) => deps.agents.remember(run.session_id, run.agent, value),
      isNamed: isNamed(session.title, run),
      kept: deps.agents.keptFor(run.session_id, run.agent),
      onEvent: (event) => deps.agents.handleSessionEvent(wid, run.session_id, run.agent, event),
    };
  }

  /** Whether a title is another than the one that the run's own prompt gives. */
  function isNamed(title: string, run: RunRecord): boolean {
    const prompt = store.messages.get(run.message_id);
    return prompt === undefined || titleOf(messageText(prompt)) !== title;
  }

  /** Sessions whose agents may have become warm, busy or cold. */
  const changed = new Map<SessionId, WorkspaceId>();
  let publishTimer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const publishChangesNow = () => {
    const all = [...changed];
    changed.clear();
    for (const [sid, wid] of all) deps.agents.publishChanges(wid, sid);
  };
  /** Publishes changes together and a moment later: a model request may wait for the event loop. */
  function publishChangesSoon(wid: WorkspaceId, sid: SessionId) {
    if (isClosed) return;
    if (changed.size === 0) publishTimer = setTimeout(publishChangesNow, PUBLISH_DELAY_MS);
    changed.set(sid, wid);
  }

  function takeNews(sid: SessionId): string[] {
    try {
      return store.transaction("relaxed", () => store.sessions.takeNews(sid));
    } catch (cause) {
      log.warn("an agent was not told what happened meanwhile", { session: sid, cause });
      return [];
    }
  }

  function make(wid: WorkspaceId, sid: SessionId): Coordinator {
    return createCoordinator({
      session_id: sid,
      ledger: journal.ledgerOf(wid, sid),
      backend: (agent): Backend => deps.agents.backend(wid, agent),
      reach: (signal) => reach(wid, sid, signal),
      contextOf: (run) => contextOf(wid, run),
      handover(run, opened, transcript) {
        const isNative = deps.agents.isNative(wid, run.agent);
        const seenSeq = store.agentSessions.get(sid, run.agent)?.seen_seq ?? 0;
        const missed = handoverFor({ run, kind: opened.kind, seenSeq, isNative, transcript });
        const news = run.agent === SHELL_AGENT ? [] : takeNews(sid);
        if (news.length === 0) return missed;
        // hearth's own agent marks hearth's words itself.
        const told = isNative ? news.join("\n") : hearthNote(news.join("\n"));
        return missed === null ? told : `${missed}\n\n${told}`;
      },
      authorize: (run, request, signal) => deps.permissions.authorize(wid, run, request, signal),
      ask: (run, question, signal) => deps.permissions.ask(wid, run, question, signal),
      delegate: (run, ...rest) => deps.subagents().run(wid, run, ...rest),
      budget: () => deps.budget(wid),
      budgets: (run) => deps.budgets?.of(wid, run) ?? noBudgets,
      files: (run, tell) => deps.files?.(wid, run, tell) ?? noTurnFiles,
      report: (message, cause) => log.error(message, { session: sid, cause }),
      onChange() {
        publishChangesSoon(wid, sid);
        deps.onChange();
      },
      onStoreAway: (error) => deps.onStoreAway(wid, sid, error),
      newId: deps.newId,
      now: deps.now,
      monotonicMs: () => performance.now(),
    });
  }

  /** Drops a session from memory, and ends its agents as soon as nothing of it runs. */
  function forget(sid: SessionId) {
    const { wid, coordinator } = kept.get(sid) ?? {};
    kept.delete(sid);
    releasing.delete(sid);
    journal.forgetSession(sid);
    deps.agents.forgetSession(sid);
    void coordinator
      ?.whenIdle()
      .then(() => coordinator.release())
      .then(() => deps.containers.rest(sid))
      // Its agents are no longer warm: publish that.
      .then(() => wid !== undefined && store.sessions.get(sid) !== undefined && publishChangesSoon(wid, sid))
      .catch((cause) => log.error("a session could not be released", { cause }));
  }

  const isAtRest = ({ coordinator }: Entry) => coordinator.isIdle() && coordinator.runtime().queued === 0;

  function evictIdle() {
    const idle = [...kept].filter(([, entry]) => isAtRest(entry));
    for (const [sid] of idle.slice(0, Math.max(0, idle.length - IDLE_KEPT_MAX))) forget(sid);
  }

  return {
    /** The session's coordinator, created at its first use. The session must exist. */
    of(wid: WorkspaceId, sid: SessionId): Coordinator {
      const coordinator = kept.get(sid)?.coordinator ?? make(wid, sid);
      kept.delete(sid);
      evictIdle();
      kept.set(sid, { wid, coordinator });
      return coordinator;
    },
    /** Keep the session's agents when its runs have ended. */
    keepWarm: (sid: SessionId) => void releasing.delete(sid),
    /** Ends the session's agents once its runs have ended, unless somebody uses the session again. */
    async releaseWhenIdle(sid: SessionId): Promise<void> {
      const coordinator = kept.get(sid)?.coordinator;
      releasing.add(sid);
      await coordinator?.whenIdle();
      await sleep(LAST_WORDS_MS, undefined, { ref: false });
      const now = kept.get(sid);
      if (releasing.has(sid) && now !== undefined && now.coordinator === coordinator && isAtRest(now))
        forget(sid);
    },
    known: (sid: SessionId): Coordinator | undefined => kept.get(sid)?.coordinator,
    ofWorkspace: (wid: WorkspaceId): [SessionId, Coordinator][] =>
      [...kept].filter(([, entry]) => entry.wid === wid).map(([sid, entry]) => [sid, entry.coordinator]),
    all: (): Coordinator[] => [...kept.values()].map(({ coordinator }) => coordinator),
    /** The session was deleted. */
    forget,
    /** Publishes pending agent states now, before the store closes. */
    publishChangesNow,
    /** The store closes: nothing is published any more. */
    close() {
      isClosed = true;
      clearTimeout(publishTimer);
    },

    /** After a restart: active runs end, queued ones stay queued. */
    recover() {
      const bySession = Map.groupBy(store.runs.allUnfinished(), (run) => run.session_id);
      for (const [sid, runs] of bySession) {
        const session = store.sessions.get(sid);
        if (session === undefined) continue;
        this.of(session.workspace_id, sid).recover(
          runs.map((run) => ({ run, messages: store.messages.ofRun(sid, run.id) })),
        );
      }
    },
  };
}
