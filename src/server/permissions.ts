import type { Judgement, Policy } from "../agent/permission/judge.ts";
import type { DiskJudge } from "../agent/permission/judge-on-disk.ts";
import type { PermissionRequest } from "../agent/permission/request.ts";
import type { RunVerdict } from "../agent/run/host.ts";
import type { RunRecord } from "../agent/run/record.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, PermissionId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Decision, Grant, Permission, PermissionMode } from "../protocol/permission.ts";
import { editedCommand, withEditable } from "./edited-command.ts";
import type { EventHub } from "./events/hub.ts";
import type { Journal, JournalTx } from "./events/journal.ts";
import type { Caller } from "./services.ts";
import type { Store } from "./store/open.ts";

type PermissionsDeps = {
  store: Store;
  hub: EventHub;
  journal: () => Journal;
  judge: DiskJudge;
  /** The session's present rules, grants and roots. */
  policy(wid: WorkspaceId, sid: SessionId, mode: PermissionMode): Policy;
  /** The run's present mode: its own, or else the session's. */
  modeOf(run: RunRecord): PermissionMode;
  /** Publishes whether the session waits for an answer. */
  sessionChanged(tx: JournalTx, sid: SessionId): void;
  newId: NewId;
  now: () => Date;
};

type Waiting = {
  wid: WorkspaceId;
  permission: Permission;
  /** Judges the call again under the present rules, or judges another command in its place. */
  rejudge(command?: string): Promise<Judgement>;
  settle(verdict: RunVerdict): void;
};

type UserAnswer = {
  decision: Decision;
  message?: string | undefined;
  input?: { command: string } | undefined;
};

export type Permissions = ReturnType<typeof createPermissions>;

/** Permission questions and answers. The first answer counts. A question survives every terminal, but not its run. */
export function createPermissions(deps: PermissionsDeps) {
  const { store, hub, now } = deps;
  const waiting = new Map<PermissionId, Waiting>();

  const openOf = (sid: SessionId) =>
    [...waiting.values()].filter(({ permission }) => permission.session_id === sid);
  /** A client is attached that can answer: headless runs cannot. */
  const canBeAnswered = (wid: WorkspaceId) => hub.clients(wid).some((client) => client.kind !== "headless");

  function resolve(tx: JournalTx, asked: Permission, change: Partial<Permission>) {
    const permission: Permission = { ...asked, ...change };
    store.permissions.update(permission);
    tx.publish({ type: "permission.resolved", session_id: permission.session_id, payload: { permission } });
    return permission;
  }

  function ask(asked: Omit<Waiting, "settle">, signal: AbortSignal): Promise<RunVerdict> {
    const { wid, permission } = asked;
    return new Promise((settle) => {
      const entry: Waiting = { ...asked, settle };
      waiting.set(permission.id, entry);
      try {
        deps.journal().commit(wid, "relaxed", (tx) => {
          store.permissions.insert(wid, permission);
          tx.publish({
            type: "permission.requested",
            session_id: permission.session_id,
            payload: { permission },
          });
          deps.sessionChanged(tx, permission.session_id);
        });
      } catch (error) {
        waiting.delete(permission.id);
        throw error;
      }
      // The tool call may give up while its run goes on: withdraw the question.
      signal.addEventListener(
        "abort",
        () => {
          if (!waiting.delete(permission.id)) return;
          // if the store cannot be written now, the run's end writes it
          deps.journal().tellIfPossible(wid, (tx) => {
            resolve(tx, permission, { state: "canceled" });
            deps.sessionChanged(tx, permission.session_id);
          });
          settle({ decision: "canceled" });
        },
        { once: true },
      );
    });
  }

  /** Stores an answer and its effects in one transaction. Throws store_unavailable. */
  function answered(entry: Waiting, change: Partial<Permission>, also: () => void = () => {}): Permission {
    const { id, session_id } = entry.permission;
    waiting.delete(id);
    try {
      return deps.journal().commit(entry.wid, "synced", (tx) => {
        also();
        const resolved = resolve(tx, entry.permission, {
          state: "answered",
          answered_at: now().toISOString(),
          ...change,
        });
        deps.sessionChanged(tx, session_id);
        return resolved;
      });
    } catch (error) {
      waiting.set(id, entry);
      throw error;
    }
  }

  /** Throws permission_not_found, already_answered. */
  function openQuestion(wid: WorkspaceId, id: PermissionId): Waiting {
    const entry = waiting.get(id);
    if (entry?.wid === wid) return entry;
    const known = store.permissions.get(wid, id);
    if (known === undefined)
      throw new HearthError("permission_not_found", `There is no question ${id} here.`);
    // A question can still be open in the store while nothing waits for it: its end could not be written.
    const what = known.state === "answered" ? `answered: ${known.decision}` : "withdrawn: its run has ended";
    throw new HearthError("already_answered", `This question was already ${what}.`, {
      details: { state: known.state, decision: known.decision, answered_by: known.answered_by },
    });
  }

  /**
   * The mode or a grant has changed: open questions that would now be allowed are answered in the name of whoever
   * changed it. Those that would now be denied stay open: a person may only be cycling through the modes.
   */
  async function reconsider(wid: WorkspaceId, sid: SessionId | null, caller: Caller): Promise<void> {
    for (const entry of [...waiting.values()]) {
      if (entry.wid !== wid || (sid !== null && entry.permission.session_id !== sid)) continue;
      const { decision } = await entry.rejudge();
      // It may have been answered meanwhile.
      if (decision !== "allow" || waiting.get(entry.permission.id) !== entry) continue;
      answered(entry, { decision: "allow_once", answered_by: caller });
      entry.settle({ decision: "allow" });
    }
  }

  return {
    reconsider,

    /** The number of runs that wait for an answer. */
    waitingRuns: (): number => new Set([...waiting.values()].map(({ permission }) => permission.run_id)).size,
    openCount: (sid: SessionId) => openOf(sid).length,
    list: (wid: WorkspaceId): Permission[] =>
      [...waiting.values()].filter((entry) => entry.wid === wid).map(({ permission }) => permission),

    /** Judges a call, and asks a person if the rules do not decide. */
    async authorize(
      wid: WorkspaceId,
      run: RunRecord,
      request: PermissionRequest,
      signal: AbortSignal,
    ): Promise<RunVerdict> {
      const judge = (call: PermissionRequest) =>
        deps.judge(call, () => deps.policy(wid, run.session_id, deps.modeOf(run)), signal);
      const judgement = await judge(request).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (judgement === undefined) return { decision: "canceled" };
      if (judgement.decision === "allow") return { decision: "allow" };
      if (judgement.decision === "deny") return { decision: "deny", message: judgement.message };
      if (signal.aborted) return { decision: "canceled" };
      if (run.on_question === "deny" && !judgement.protected) {
        return {
          decision: "deny",
          message: "Nobody is asked in this run, so it was denied. Go on without it.",
        };
      }
      if (run.on_question === "deny" || (run.on_question === "fail" && !canBeAnswered(wid)))
        return permissionNeeded(request.title, run.on_question);
      const permission: Permission = {
        id: deps.newId("prm"),
        session_id: run.session_id,
        run_id: run.id,
        tool_call_id: request.tool_call_id,
        agent: run.agent,
        kind: request.kind,
        title: request.title,
        detail: withEditable(judgement.detail, request),
        options: judgement.options,
        asked_at: now().toISOString(),
        state: "open",
        decision: null,
        message: null,
        answered_by: null,
        answered_at: null,
      };
      const { subject } = request;
      const rejudge = (command?: string) =>
        judge(
          subject.type === "command" && command !== undefined
            ? { ...request, subject: { ...subject, command } }
            : request,
        );
      return ask({ wid, permission, rejudge }, signal);
    },

    async answer(wid: WorkspaceId, id: PermissionId, answer: UserAnswer, by: Caller): Promise<Permission> {
      const entry = openQuestion(wid, id);
      const option = entry.permission.options.find(({ decision }) => decision === answer.decision);
      if (option === undefined) {
        const offered = entry.permission.options.map(({ decision }) => decision).join(", ");
        throw new HearthError("invalid_request", `decision: this question offers ${offered}.`, {
          details: { field: "decision" },
        });
      }
      // Judging is asynchronous, so another answer may come first.
      const edited = answer.input && (await editedCommand(entry, answer.decision, answer.input));
      if (edited !== undefined) openQuestion(wid, id);
      const granted = answer.decision === "deny" ? [] : option.rules;
      const grantedFor = answer.decision === "allow_always" ? null : entry.permission.session_id;
      const permission = answered(
        entry,
        {
          decision: answer.decision,
          message: answer.message ?? null,
          answered_by: by,
          ...(edited !== undefined && { detail: { ...edited.detail, edited: edited.command } }),
        },
        () => {
          for (const rule of granted)
            store.grants.insert({
              workspace_id: wid,
              session_id: grantedFor,
              rule,
              granted_by: by,
              granted_at: now().toISOString(),
            });
        },
      );
      entry.settle(
        answer.decision === "deny"
          ? {
              decision: "deny",
              message: answer.message ? `Denied: ${answer.message}` : "The user denied this.",
            }
          : {
              decision: "allow",
              ...(edited !== undefined && { edited: { command: edited.command, by } }),
            },
      );
      if (granted.length > 0) await reconsider(wid, grantedFor, by);
      return permission;
    },

    grants: (wid: WorkspaceId): Grant[] => store.grants.all(wid),
    revoke: (wid: WorkspaceId, ids: readonly number[]): Grant[] =>
      store.transaction("synced", () => ids.flatMap((id) => store.grants.remove(wid, id) ?? [])),

    /** Call in the transaction that ends the run: withdraws its questions. */
    cancelRun(tx: JournalTx, run: RunRecord) {
      // Uses the stored rows: this may be a retry after the store refused the first try.
      for (const permission of store.permissions.openOfRun(run.id)) {
        resolve(tx, permission, { state: "canceled" });
        tx.afterCommit(() => {
          const entry = waiting.get(permission.id);
          waiting.delete(permission.id);
          entry?.settle({ decision: "canceled" });
        });
      }
    },

    /** The last client that could answer has gone: ends the runs that do not wait for one. */
    unattended(wid: WorkspaceId, onQuestion: (permission: Permission) => RunRecord["on_question"]) {
      if (canBeAnswered(wid)) return;
      for (const entry of [...waiting.values()].filter((candidate) => candidate.wid === wid)) {
        const policy = onQuestion(entry.permission);
        if (policy !== "wait") entry.settle(permissionNeeded(entry.permission.title, policy));
      }
    },

    /** After a restart no tool call waits for an answer. */
    recover() {
      for (const { workspace_id, permission } of store.permissions.allOpen()) {
        deps
          .journal()
          .commit(workspace_id, "relaxed", (tx) => void resolve(tx, permission, { state: "canceled" }));
      }
    },
  };
}

function permissionNeeded(title: string, policy: "fail" | "deny"): RunVerdict {
  const why = policy === "deny" ? "this run asks nobody" : "no terminal is attached to approve it";
  const message = `${title} needs a permission, and ${why}.`;
  return { decision: "fail", error: { code: "permission_needed", message, retryable: false } };
}
