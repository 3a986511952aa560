import { createHash } from "node:crypto";
import { createTimeSlice } from "../async/time-slice.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import { changedModel } from "../protocol/model-effort.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { Isolation, Session } from "../protocol/session.ts";
import { noUsage } from "../protocol/usage.ts";
import type { Agents } from "./agents.ts";
import type { Coordinators } from "./coordinators.ts";
import { type Journal, publicMessage } from "./events/journal.ts";
import { dropBatch, dropSession } from "./fork/copy-session.ts";
import { createForks, type Forked, type ForksDeps, forkKey } from "./fork/fork.ts";
import { readMessages } from "./read-messages.ts";
import type { Caller, Services } from "./services.ts";
import type { Store } from "./store/open.ts";
import type { StoredSession } from "./store/sessions.ts";

type SessionsDeps = Pick<ForksDeps, "worktrees" | "checkpoints"> & {
  store: Store;
  journal: Journal;
  coordinators: Coordinators;
  agents: Agents;
  /** Defaults for a new session of that client. */
  defaults(
    wid: WorkspaceId,
    caller: Caller,
  ): { agent: string; model: string | null; mode: PermissionMode; isolation: Isolation };
  /** Throws isolation_unavailable with the reason. */
  checkWorktree(wid: WorkspaceId): Promise<void>;
  /** What is lost when the session's worktree is removed. Throws changes_pending. */
  mustBeSafe(sid: SessionId): Promise<void>;
  /** Throws workspace_not_found. */
  mustExist(wid: WorkspaceId): void;
  /** Throws workspace_closing, daemon_stopping. */
  mustAccept(wid: WorkspaceId): void;
  waiting(sid: SessionId): boolean;
  /** The session was deleted. */
  onRemoved(sid: SessionId): void;
  /** The session's mode has changed. */
  onModeChange(wid: WorkspaceId, sid: SessionId, caller: Caller): void;
  newId: NewId;
  now: () => Date;
};

export type Sessions = ReturnType<typeof createSessions>;

/** Clients' requests about sessions. */
export function createSessions(deps: SessionsDeps) {
  const { store, journal, coordinators } = deps;

  function present(session: StoredSession, runtime = runtimeOf(session.id)): Session {
    const state = !runtime.running ? "idle" : deps.waiting(session.id) ? "waiting" : "running";
    return {
      ...session,
      state,
      queued: runtime.queued,
      pending_changes: store.changes.pending(session.id),
      context: deps.agents.contextOf(session),
    };
  }
  const runtimeOf = (sid: SessionId) => coordinators.known(sid)?.runtime() ?? { running: false, queued: 0 };

  function storedOf(wid: WorkspaceId, sid: SessionId): StoredSession {
    deps.mustExist(wid);
    const session = store.sessions.get(sid);
    if (session?.workspace_id === wid) return session;
    throw new HearthError("session_not_found", `There is no session ${sid} in this workspace.`);
  }

  function checkFields(wid: WorkspaceId, fields: { agent?: string | undefined }) {
    if (fields.agent !== undefined) deps.agents.mustBeChoosable(wid, fields.agent);
  }

  /** A run keeps the folder that it began in. */
  function mustBeFree(sid: SessionId) {
    const all = [sid, ...store.sessions.subagentsOf(sid)];
    if (all.every((id) => coordinators.known(id)?.isIdle() ?? true)) return;
    throw new HearthError(
      "session_busy",
      "The session's isolation cannot change while it works. Wait for the end, or cancel the run.",
    );
  }

  const hashOf = (request: readonly unknown[]) =>
    createHash("sha256").update(JSON.stringify(request)).digest("hex");

  /** The session that an earlier, equal request created. Throws session_id_conflict. */
  function existingSession(id: SessionId | undefined, hash: string): Session | undefined {
    const known = id && store.sessions.get(id);
    if (!known) return undefined;
    if (store.sessions.requestHash(known.id) === hash) return present(known);
    throw idConflict(known.id);
  }
  const idConflict = (id: SessionId) =>
    new HearthError(
      "session_id_conflict",
      `${id} already names another session; choose a new id for this one.`,
    );

  /** Forks being copied, by the fork's id. */
  const forking = new Map<SessionId, { hash: string; forked: Promise<Forked> }>();

  const { forkInto } = createForks({ ...deps, sessionOf: storedOf, present: (session) => present(session) });

  const services: Services["sessions"] = {
    defaultMode: (wid, caller) => deps.defaults(wid, caller).mode,
    async checkIsolation(wid, isolation, caller) {
      deps.mustExist(wid);
      const wanted = isolation === undefined ? deps.defaults(wid, caller).isolation : isolation;
      if (wanted === "worktree") await deps.checkWorktree(wid);
    },
    create(wid, fields, caller) {
      deps.mustExist(wid);
      const hash = hashOf([wid, fields]);
      const known = existingSession(fields.id, hash);
      if (known) return known;
      deps.mustAccept(wid);
      checkFields(wid, fields);
      const defaults = deps.defaults(wid, caller);
      const at = deps.now().toISOString();
      const session: StoredSession = {
        id: fields.id ?? deps.newId("ses"),
        workspace_id: wid,
        title: fields.title ?? "",
        agent: fields.agent ?? defaults.agent,
        model: fields.model === undefined ? null : fields.model,
        mode: fields.mode ?? defaults.mode,
        agent_mode: fields.agent_mode ?? null,
        isolation: fields.isolation ?? defaults.isolation,
        ...(fields.container === undefined ? {} : { container: fields.container }),
        parent_id: null,
        archived: false,
        created_at: at,
        updated_at: at,
        usage: noUsage,
        cost: 0,
      };
      return journal.commit(wid, "relaxed", (tx) => {
        store.sessions.insert(session, fields.id ? hash : null);
        const shown = present(session);
        tx.publish({ type: "session.created", session_id: session.id, payload: { session: shown } });
        return shown;
      });
    },
    list(wid, { limit, before, query, archived }) {
      deps.mustExist(wid);
      if (before !== undefined) storedOf(wid, before as SessionId);
      const rows = store.sessions.page(wid, { limit: limit + 1, before, query, archived: archived ?? false });
      const page = rows.slice(0, limit);
      return {
        sessions: page.map((session) => present(session)),
        next_before: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
      };
    },
    get: (wid, sid) => present(storedOf(wid, sid)),
    update(wid, sid, changes, caller) {
      const before = storedOf(wid, sid);
      checkFields(wid, changes);
      if (changes.isolation !== undefined && changes.isolation !== before.isolation) mustBeFree(sid);
      const isOtherAgent = changes.agent !== undefined && changes.agent !== before.agent;
      const session: StoredSession = {
        ...before,
        title: changes.title ?? before.title,
        agent: changes.agent ?? before.agent,
        // Model and mode belong to an agent: another agent starts with its own.
        model:
          changes.model !== undefined
            ? changedModel(isOtherAgent ? null : before.model, changes.model)
            : isOtherAgent
              ? null
              : before.model,
        mode: changes.mode ?? before.mode,
        agent_mode:
          changes.agent_mode !== undefined ? changes.agent_mode : isOtherAgent ? null : before.agent_mode,
        isolation: changes.isolation ?? before.isolation,
        archived: changes.archived ?? before.archived,
        updated_at: deps.now().toISOString(),
      };
      const updated = journal.commit(wid, "relaxed", (tx) => {
        store.sessions.update(session);
        // The old agent's plan does not apply to the new agent.
        if (session.agent !== before.agent && store.sessions.plan(sid).length > 0)
          journal.changePlan(tx, sid, []);
        const shown = present(session);
        tx.publish({ type: "session.updated", session_id: sid, payload: { session: shown } });
        return shown;
      });
      if (session.mode !== before.mode) deps.onModeChange(wid, sid, caller);
      return updated;
    },
    async remove(wid, sid, options, caller) {
      storedOf(wid, sid);
      if (!options.force) await deps.mustBeSafe(sid);
      for (const child of store.sessions.subagentsOf(sid)) await services.remove(wid, child, options, caller);
      const coordinator = coordinators.known(sid);
      coordinator?.close(null);
      const session = present(storedOf(wid, sid));
      let isGone: boolean;
      try {
        isGone = journal.commit(wid, "relaxed", (tx) => {
          store.sessions.hide(sid);
          const isGone = dropBatch(sid, store, createTimeSlice().isOver);
          tx.publish({ type: "session.deleted", session_id: sid, payload: { session, by: caller } });
          return isGone;
        });
      } catch (error) {
        coordinator?.reopen();
        throw error;
      }
      coordinators.forget(sid);
      deps.onRemoved(sid);
      // It is deleted for all clients. If this fails, the next start deletes the rest.
      if (!isGone) await dropSession(sid, store).catch(() => {});
      return session;
    },
    async fork(wid, sid, options) {
      deps.mustExist(wid);
      const { id = deps.newId("ses") } = options;
      const hash = hashOf(forkKey(wid, sid, options));
      // The same request during the copy: both get the one fork.
      const copying = forking.get(id);
      if (copying?.hash === hash) return copying.forked;
      if (copying) throw idConflict(id);
      const known = existingSession(id, hash);
      if (known) return { session: known };
      const forked = forkInto(wid, sid, { ...options, id }, hash).finally(() => forking.delete(id));
      forking.set(id, { hash, forked });
      return forked;
    },
    async messages(wid, sid, { limit, before }) {
      storedOf(wid, sid);
      journal.flush(wid);
      const beforeSeq = before === undefined ? Number.MAX_SAFE_INTEGER : seqOf(sid, before);
      const rows = store.messages.heads(sid, beforeSeq, limit + 1);
      const page = rows.slice(-limit);
      return {
        messages: (await readMessages(store, page)).map(publicMessage),
        next_before: rows.length > limit ? (page[0]?.id ?? null) : null,
      };
    },
    agentSessions(wid, sid) {
      storedOf(wid, sid);
      return deps.agents.ofSession(sid);
    },
  };

  /** The seq of the message a page ends before, given by its id or seq. */
  function seqOf(sid: SessionId, before: string): number {
    if (/^\d+$/.test(before)) return Number(before);
    const message = store.messages.get(before);
    if (message?.session_id === sid) return message.seq;
    throw new HearthError("message_not_found", `before: there is no message ${before} in this session.`);
  }

  const defaultAgent = (wid: WorkspaceId, caller: Caller) => deps.defaults(wid, caller).agent;
  return { services, present, storedOf, defaultAgent };
}
