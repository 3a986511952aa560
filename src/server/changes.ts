import { join } from "node:path";
import { type ChangeRow, publicChange } from "../agent/worktree/change-row.ts";
import { commitToBranch } from "../agent/worktree/commit.ts";
import { type Asked, type Decision, planDecision } from "../agent/worktree/decide.ts";
import type { FileWrite } from "../agent/worktree/place-file.ts";
import { wholeText } from "../agent/worktree/whole-text.ts";
import { writeFiles } from "../agent/worktree/write-files.ts";
import type { Change, ChangeConflict, Resolve } from "../protocol/change.ts";
import { HearthError } from "../protocol/errors.ts";
import type { ChangeId, RunId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import { filesNews } from "./agent-news.ts";
import { type Effect, oneSession, withPlainPaths, withRawPaths } from "./change-effect.ts";
import type { Log } from "./daemon/log.ts";
import type { Journal } from "./events/journal.ts";
import { type InPlaceChanges, isInPlaceId } from "./in-place-changes.ts";
import { createLeftWrites } from "./left-writes.ts";
import type { Services } from "./services.ts";
import type { FileWriteRow } from "./store/file-writes.ts";
import type { Store } from "./store/open.ts";
import type { Patches } from "./transfer/patches.ts";
import type { OpenWorktree, Worktrees } from "./worktrees.ts";

/** More than a merge of the largest set takes. */
const DECIDE_MS_MAX = 5 * 60_000;

type ChangesDeps = {
  store: Store;
  journal: Journal;
  worktrees: Worktrees;
  inPlace: InPlaceChanges;
  patches: Pick<Patches, "kept" | "baseOf">;
  /** Works with a workspace's checkpoints while nothing else does. */
  alone<T>(wid: WorkspaceId, work: () => Promise<T>): Promise<T>;
  /** Whether a run of the session is active. */
  isRunning(sid: SessionId): boolean;
  /** Holds what is being written. */
  folder: string;
  /** Throws session_not_found. */
  mustBeSession(wid: WorkspaceId, sid: SessionId): void;
  /** Throws workspace_not_found. */
  mustExist(wid: WorkspaceId): void;
  newId(): string;
  now: () => Date;
  log: Log;
};

type How = { hunks?: string[] | undefined; resolve?: Resolve | undefined };

/** Clients' requests about what agents changed in worktrees. */
export function createChanges(deps: ChangesDeps) {
  const { store, journal, worktrees, mustBeSession, mustExist } = deps;
  const leftWrites = createLeftWrites({ store, log: deps.log, finish });
  const shown = (row: ChangeRow): Change =>
    publicChange(row, row.is_in_place ? "" : (store.worktrees.get(row.session_id)?.place.prefix ?? ""));

  function rowOf(wid: WorkspaceId, id: ChangeId): ChangeRow {
    const row = store.changes.get(wid, id);
    if (row !== undefined) return row;
    const message = `There is no change ${id} any more: its file was changed again, or its session was deleted. Look at the changes again.`;
    throw new HearthError("change_not_found", message, { details: { id } });
  }

  async function decide(
    wid: WorkspaceId,
    decision: Decision,
    ids: readonly ChangeId[],
    how: How = {},
  ): Promise<Change[]> {
    mustExist(wid);
    const [first] = ids;
    if (first === undefined) return [];
    if (ids.every(isInPlaceId)) return decideInPlace(wid, decision, [...new Set(ids)], how);
    const sid = oneSession(ids.map((id) => rowOf(wid, id)));
    return worktrees.inTurn(sid, () => {
      const at = worktrees.open(sid);
      if (at === undefined)
        throw new HearthError("change_not_found", "The worktree of this session is gone.");
      return worktrees.inTurn(at.row.place.top, () => decideNow(at, decision, [...new Set(ids)], how));
    });
  }

  async function decideNow(at: OpenWorktree, decision: Decision, ids: readonly ChangeId[], how: How) {
    const { session_id: sid, workspace_id: wid, place } = at.row;
    if (await leftWrites.recoverOf(sid)) {
      const rows = ids.map((id) => rowOf(wid, id));
      if (rows.every(({ state }) => state === decision)) return rows.map(shown);
    }
    // A set that was completed just now has moved them.
    const { base, tip } = worktrees.open(sid)?.row ?? at.row;
    const signal = AbortSignal.timeout(DECIDE_MS_MAX);
    // They may have changed while others were decided.
    const rows = ids.map((id) => rowOf(wid, id));
    const which = decision === "rejected" ? "tip" : "base";
    const tree = which === "tip" ? tip : base;
    const asked: Asked = { decision, rows, ...how, tree, at: deps.now().toISOString() };
    const planned = await planDecision({ gitIn: at.gitIn, store: at.store, place }, asked, signal);
    if ("conflicts" in planned) throw conflictOf(wid, sid, planned.conflicts);
    const { plan } = planned;
    const oid = await at.store.edit(tree, plan.edits, signal);
    const effect: Effect = { decision, tree: which, oid, rows: plan.rows.map(withPlainPaths) };
    const top = which === "tip" ? place.path : place.top;
    await write({ workspace_id: wid, session_id: sid }, top, plan.writes, effect);
    return plan.rows.map(shown);
  }

  /** The files of a turn in place are in the tree from the start: they can be reverted, and applied again. */
  async function decideInPlace(wid: WorkspaceId, decision: Decision, ids: readonly ChangeId[], how: How) {
    if (decision === "rejected")
      throw new HearthError("change_decided", "This change is in your files already: revert it instead.");
    const rows = await deps.inPlace.find(wid, ids);
    const sid = oneSession(rows);
    if (deps.isRunning(sid))
      throw new HearthError(
        "session_busy",
        "A run is active in this session: cancel it or wait for its end.",
      );
    if (new Set(rows.map(({ path }) => path.toString("latin1"))).size < rows.length)
      throw new HearthError(
        "invalid_request",
        "ids: two turns changed the same file; decide one at a time.",
        {
          details: { field: "ids" },
        },
      );
    return deps.alone(wid, async () => {
      await leftWrites.recoverOf(sid);
      const { gitIn, store: trees, place } = deps.inPlace.at(wid);
      const tree = store.checkpoints.get(rows[0]?.run_id as RunId)?.after_tree;
      if (tree == null) throw new HearthError("change_not_found", "The checkpoint of this turn was deleted.");
      const asked: Asked = { decision, rows, ...how, tree, at: deps.now().toISOString() };
      const signal = AbortSignal.timeout(DECIDE_MS_MAX);
      const planned = await planDecision({ gitIn, store: trees, place }, asked, signal);
      if ("conflicts" in planned) throw conflictOf(wid, sid, planned.conflicts);
      const { plan } = planned;
      const effect: Effect = { decision, tree: null, oid: "", rows: plan.rows.map(withPlainPaths) };
      await write({ workspace_id: wid, session_id: sid }, place.top, plan.writes, effect);
      return plan.rows.map(shown);
    });
  }

  /** Writes a set of files, with a record from which the next start goes on after a kill. */
  async function write(
    of: Pick<FileWriteRow, "workspace_id" | "session_id">,
    top: string,
    writes: readonly FileWrite[],
    effect: Effect,
  ): Promise<void> {
    const id = deps.newId();
    const row: Omit<FileWriteRow, "data"> = { id, ...of };
    await writeFiles({ id, top, folder: join(deps.folder, id) }, writes, {
      begin: (record) =>
        store.transaction("synced", () => store.fileWrites.insert({ ...row, data: { record, effect } })),
      finish: () => finish(row, effect),
      abandon: () => store.transaction("synced", () => store.fileWrites.remove(id)),
    });
  }

  /** What a written set leads to. */
  function finish({ id, workspace_id, session_id }: Omit<FileWriteRow, "data">, effect: Effect) {
    journal.commit(workspace_id, "synced", (tx) => {
      store.fileWrites.remove(id);
      if (store.sessions.get(session_id) === undefined) return;
      const worktree = store.worktrees.get(session_id);
      if (effect.tree !== null && worktree === undefined) return;
      for (const row of effect.rows) store.changes.put(withRawPaths(row));
      if (effect.tree !== null && worktree !== undefined)
        store.worktrees.move(session_id, { ...worktree, [effect.tree]: effect.oid });
      const news = newsOf(effect);
      if (news !== null) store.sessions.addNews(session_id, news);
      worktrees.tell(tx, session_id);
    });
  }

  /** What its agent would otherwise take for its own work still: it saw the files as they were. */
  function newsOf({ tree, rows, decision }: Effect): string | null {
    const paths = rows.map((row) => shown(withRawPaths(row)).path);
    if (decision === "rejected") return filesNews("rejected", paths);
    if (tree !== null) return null; // the user's files, not those that the agent works on
    return filesNews(decision === "reverted" ? "reverted" : "applied_again", paths);
  }

  /** Stores what stands in the way, so that every terminal shows it. */
  function conflictOf(wid: WorkspaceId, sid: SessionId, conflicts: ReadonlyMap<ChangeRow, ChangeConflict>) {
    const updated_at = deps.now().toISOString();
    journal.commit(wid, "relaxed", (tx) => {
      for (const [row, conflict] of conflicts) store.changes.put({ ...row, conflict, updated_at });
      worktrees.tell(tx, sid);
    });
    const found = [...conflicts].map(([row, conflict]) => ({
      path: shown(row).path,
      id: row.id,
      ...conflict,
    }));
    const [only] = found;
    const message =
      found.length === 1 && only !== undefined
        ? `${only.path}: ${only.text}. Nothing was written.`
        : `${found.length} files changed on both sides. Nothing was written.`;
    return new HearthError("conflict", message, {
      details: { paths: found.map(({ path }) => path), conflicts: found },
    });
  }

  const one = async (wid: WorkspaceId, decision: Decision, id: ChangeId, how: How): Promise<Change> => {
    const [change] = await decide(wid, decision, [id], how);
    if (change === undefined) throw new Error(`${id} is missing after it was decided`);
    return change;
  };

  const services: Services["changes"] = {
    async list(wid, { session_id, state }) {
      mustExist(wid);
      if (session_id === undefined)
        return { changes: store.changes.ofWorkspace(wid, state).map(shown), unread: [] };
      mustBeSession(wid, session_id);
      await worktrees.lookAgain(session_id);
      const isolated = store.changes.ofSession(session_id).filter((row) => !row.is_in_place);
      const inPlace = await deps.inPlace.ofSession(wid, session_id);
      const rows = [...inPlace.rows, ...isolated].filter((row) => state === undefined || row.state === state);
      return { changes: rows.map(shown), unread: inPlace.unread };
    },
    rootOf: worktrees.rootOf,
    async text(wid, id) {
      mustExist(wid);
      const signal = AbortSignal.timeout(DECIDE_MS_MAX);
      if (isInPlaceId(id)) {
        const [row] = await deps.inPlace.find(wid, [id]);
        if (row !== undefined) return wholeText(deps.inPlace.at(wid).store, row, signal);
      }
      const row = rowOf(wid, id);
      const at = worktrees.open(row.session_id);
      if (at === undefined) return { text: null, reason: "The worktree of this session is gone." };
      return wholeText(at.store, row, signal);
    },
    async patch(wid, sid) {
      mustBeSession(wid, sid);
      const kept = await deps.patches.kept(sid);
      if (kept !== undefined) return { ...kept, base: null };
      const at = worktrees.open(sid);
      if (at === undefined) return { patch: Buffer.alloc(0), base: null };
      const signal = AbortSignal.timeout(DECIDE_MS_MAX);
      const patch = await at.store.patch(at.row.base, at.row.tip, true, signal);
      return { patch, base: await deps.patches.baseOf(sid) };
    },
    applyOne: (wid, id, how) => one(wid, "applied", id, how),
    rejectOne: (wid, id, how) => one(wid, "rejected", id, how),
    revertOne: (wid, id, how) => one(wid, "reverted", id, how),
    apply: (wid, ids, resolve) => decide(wid, "applied", ids, { resolve }),
    reject: (wid, ids) => decide(wid, "rejected", ids),
    revert: (wid, ids, resolve) => decide(wid, "reverted", ids, { resolve }),
    async branch(wid, sid, message) {
      mustBeSession(wid, sid);
      const title = store.sessions.get(sid)?.title ?? "";
      return worktrees.inTurn(sid, async () => {
        const at = worktrees.open(sid);
        if (at === undefined)
          throw new HearthError("not_found", "This session has no worktree, so it has no branch.");
        const { place } = at.row;
        const signal = AbortSignal.timeout(DECIDE_MS_MAX);
        const commit = await commitToBranch(
          at.gitIn,
          place,
          message ?? (title === "" ? `hearth session ${sid}` : title),
          signal,
        );
        return { branch: place.branch, commit, path: place.path };
      });
    },
  };

  return {
    services,
    /** Sets of files that a killed daemon was writing: each is completed or taken back. */
    recover: leftWrites.recover,
  };
}
