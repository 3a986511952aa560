import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createGitRunner } from "../agent/git/run-git.ts";
import type { ProcessSupervisor } from "../agent/process/types.ts";
import type { RunRecord } from "../agent/run/record.ts";
import type { TurnFiles, TurnFilesNotice } from "../agent/run/turn-files.ts";
import type { ChangeRow, WorktreePlace } from "../agent/worktree/change-row.ts";
import { createWorktree, type PastFiles, removeWorktree, rootIn } from "../agent/worktree/create.ts";
import { findChanges } from "../agent/worktree/find-changes.ts";
import { type GitIn, mustStart, withoutGitVariables } from "../agent/worktree/git.ts";
import { exists, findRepository } from "../agent/worktree/repository.ts";
import { shortName } from "../agent/worktree/short-name.ts";
import { createTreeStore, type TreeStore } from "../agent/worktree/tree-store.ts";
import { createQueueByKey } from "../async/one-at-a-time.ts";
import { createTimeSlice } from "../async/time-slice.ts";
import { HearthError } from "../protocol/errors.ts";
import type { ChangeId, NewId, RunId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import { SHELL_AGENT } from "../protocol/shell-agent.ts";
import type { Log } from "./daemon/log.ts";
import type { Journal, JournalTx } from "./events/journal.ts";
import type { Store } from "./store/open.ts";
import type { WorktreeRow } from "./store/worktrees.ts";
import { mustLoseNothing } from "./worktree-losses.ts";

/** Git in a repository of any size is done by then. */
const LOOK_MS_MAX = 5 * 60_000;

type WorktreesDeps = {
  store: Store;
  journal: Journal;
  processes: ProcessSupervisor;
  /** Holds a folder for each worktree. */
  folder: string;
  envOf(wid: WorkspaceId): Readonly<Record<string, string>>;
  sessionChanged(tx: JournalTx, sid: SessionId): void;
  /** Brings into a new worktree what git does not have; the paths that it brought. */
  prepare(place: NewPlace, signal: AbortSignal): Promise<readonly string[]>;
  log: Log;
  newId: NewId;
  now: () => Date;
};

/** `past`: the files of an earlier time instead of the present ones. */
type Origin = { root: string; past?: PastFiles | undefined };
export type NewPlace = { wid: WorkspaceId; sid: SessionId; from: string; to: string };

/** A session's worktree, its store, and how to run git. */
export type OpenWorktree = { row: WorktreeRow; gitIn: GitIn; store: TreeStore };

type Turn = { run_id: RunId; agent: string };
type Tell = (notice: TurnFilesNotice) => void;

const unknownBecause = (cause: unknown): string =>
  `What this turn changed could not be found out${cause instanceof HearthError ? `: ${cause.message}` : "."} It is in the worktree, and hearth looks again when you ask for the changes.`;

export type Worktrees = ReturnType<typeof createWorktrees>;

/** The git worktrees of sessions: made at first use, looked at after each turn. */
export function createWorktrees(deps: WorktreesDeps) {
  const { store, journal, log } = deps;
  const inTurn = createQueueByKey();
  /** Turns whose changes are still to be found. */
  const owed = new Map<SessionId, Turn>();

  const gitFor =
    (wid: WorkspaceId): GitIn =>
    (root) =>
      mustStart(
        createGitRunner(deps.processes, {
          root,
          env: withoutGitVariables(deps.envOf(wid)),
          owner: "worktree",
        }),
      );

  /** The session whose worktree it works in: a sub-agent works in that of its parent. */
  function ownerOf(sid: SessionId): SessionId {
    const session = store.sessions.get(sid);
    const isChild = session?.subagent !== undefined && session.parent_id !== null;
    return isChild && session.parent_id !== null ? ownerOf(session.parent_id) : sid;
  }

  const isIsolated = (sid: SessionId): boolean => store.sessions.get(sid)?.isolation === "worktree";

  /** Without its worktree the session must not work anywhere. */
  function rootOf(wid: WorkspaceId, sid: SessionId): string {
    const owner = ownerOf(sid);
    const workspace = store.workspaces.get(wid)?.path ?? "/nowhere";
    if (!isIsolated(owner)) return workspace;
    const place = store.worktrees.get(owner)?.place;
    return place === undefined ? workspace : rootIn(place);
  }

  function open(sid: SessionId): OpenWorktree | undefined {
    const row = store.worktrees.get(sid);
    if (row === undefined) return undefined;
    const gitIn = gitFor(row.workspace_id);
    return { row, gitIn, store: createTreeStore(gitIn, row.place) };
  }

  async function make(wid: WorkspaceId, sid: SessionId, { root, past }: Origin, signal: AbortSignal) {
    const taken = new Set(store.worktrees.all().map(({ place }) => dirname(place.store)));
    const short = shortName(sid, (name) => taken.has(join(deps.folder, name)));
    const gitIn = gitFor(wid);
    const prepare = (to: string) => deps.prepare({ wid, sid, from: root, to }, signal);
    const { place, leftOut } = await createWorktree(
      { gitIn, root, folder: join(deps.folder, short), short, prepare, past },
      signal,
    );
    const { tree, leftOut: more } = await createTreeStore(gitIn, place).snapshot(signal);
    const left_out = [...new Set([...leftOut, ...more])];
    const created_at = deps.now().toISOString();
    store.transaction("synced", () =>
      store.worktrees.insert({
        ...{ session_id: sid, workspace_id: wid, place },
        ...{ base: tree, tip: tree, left_out, created_at },
      }),
    );
    log.info("a worktree was made", { session: sid, path: place.path, branch: place.branch });
  }

  /** Before a run: makes the session's worktree, or brings back one that was removed by hand. */
  async function ready(wid: WorkspaceId, asking: SessionId, signal: AbortSignal): Promise<void> {
    const sid = ownerOf(asking);
    const workspace = store.workspaces.get(wid);
    if (workspace === undefined || !isIsolated(sid)) return;
    await inTurn(sid, async () => {
      const row = store.worktrees.get(sid);
      if (row === undefined) return make(wid, sid, { root: workspace.path }, signal);
      if (await exists(join(row.place.path, ".git"))) return mustBeItself(row.place);
      throw new HearthError(
        "isolation_unavailable",
        `The worktree ${row.place.path} is gone. Its changes can still be applied; go on in a new session, or with \`/isolation in_place\`.`,
      );
    });
  }

  /** An agent may have put a link where its folder was. */
  async function mustBeItself(place: WorktreePlace) {
    const root = rootIn(place);
    const real = await realpath(root).catch(() => undefined);
    if (real === root || real === (await realpath(deps.folder)) + root.slice(deps.folder.length)) return;
    throw new HearthError(
      "isolation_unavailable",
      `The worktree's folder ${root} ${real === undefined ? "is gone" : "leads somewhere else now"}; go on in a new session.`,
    );
  }

  /** Finds what changed in the worktree since it was last looked at. */
  async function look(sid: SessionId, by: Turn | null): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_MS_MAX);
    await inTurn(sid, async () => {
      const at = open(sid);
      if (at === undefined || !(await exists(at.row.place.path))) return;
      const { base, tip, left_out } = at.row;
      const { tree, leftOut } = await at.store.snapshot(signal);
      const isNews = leftOut.some((path) => !left_out.includes(path));
      if (tree === tip && !isNews) return;
      const rows = store.changes.ofSession(sid).filter((row) => !row.is_in_place);
      const found = await findChanges(
        at.store,
        {
          ...{ session_id: sid, base, tip, tree, rows, by },
          nextSeq: store.changes.nextSeq(sid),
          newId: () => deps.newId("chg"),
          at: deps.now().toISOString(),
        },
        signal,
      );
      await record(at.row, found, { base, tip: tree, left_out: leftOut });
    });
  }

  /** Looks for a turn. What cannot be found out now, such as while the disk is full, is found later: as that turn's. */
  async function lookFor(run: RunRecord, by: Turn | null, tell: Tell): Promise<void> {
    const sid = run.session_id;
    try {
      await look(sid, by ?? owed.get(sid) ?? null);
      owed.delete(sid);
    } catch (cause) {
      if (by !== null) owed.set(sid, by);
      log.error("a worktree could not be looked at", { session: sid, cause });
      if (by !== null) tell({ level: "warning", code: "changes_unknown", text: unknownBecause(cause) });
    }
  }

  /** What could not be found out at the end of a turn. */
  async function lookAgain(sid: SessionId): Promise<void> {
    const by = owed.get(sid);
    if (by === undefined) return;
    await look(sid, by).then(
      () => owed.delete(sid),
      (cause) => log.error("a worktree could not be looked at", { session: sid, cause }),
    );
  }

  /** Rows are written in pieces; what makes them count is written last. */
  async function record(
    { workspace_id, session_id }: WorktreeRow,
    found: { put: readonly ChangeRow[]; remove: readonly ChangeId[] },
    trees: Pick<WorktreeRow, "base" | "tip" | "left_out">,
  ) {
    const slice = createTimeSlice();
    const put = [...found.put];
    while (put.length > 50) {
      store.transaction("relaxed", () => {
        while (put.length > 50 && !slice.isOver()) {
          const row = put.shift();
          if (row !== undefined) store.changes.put(row);
        }
      });
      await slice.rest();
    }
    if (store.sessions.get(session_id) === undefined) return;
    journal.commit(workspace_id, "synced", (tx) => {
      for (const row of put) store.changes.put(row);
      for (const id of found.remove) store.changes.remove(id);
      store.worktrees.move(session_id, trees);
      tell(tx, session_id);
    });
  }

  function tell(tx: JournalTx, sid: SessionId) {
    const pending = store.changes.pending(sid);
    tx.publish({ type: "changes.updated", session_id: sid, payload: { session_id: sid, pending } });
    deps.sessionChanged(tx, sid);
  }

  /** Throws changes_pending, with what would be lost. */
  async function mustBeSafe(sid: SessionId): Promise<void> {
    const before = open(sid);
    if (before === undefined) return;
    await look(sid, null);
    await mustLoseNothing(store, before, AbortSignal.timeout(LOOK_MS_MAX));
  }

  /** Removes the worktree of a session that was deleted, with its branch. */
  async function reap(sid: SessionId): Promise<void> {
    await inTurn(sid, async () => {
      const at = open(sid);
      if (at === undefined) return;
      await removeWorktree(at.gitIn, at.row.place);
      store.transaction("relaxed", () => store.worktrees.remove(sid));
      log.info("a worktree was removed", { session: sid, path: at.row.place.path });
    });
  }

  return {
    rootOf,
    ready,
    look,
    lookAgain,
    /** Makes the session's worktree now. Throws isolation_unavailable, and what `past.fill` throws. */
    make: (...of: Parameters<typeof make>) => inTurn(of[1], () => make(...of)),
    open,
    inTurn,
    gitFor,
    tell,
    /** Throws isolation_unavailable with the reason. */
    async check(wid: WorkspaceId, signal: AbortSignal): Promise<void> {
      const root = store.workspaces.get(wid)?.path;
      if (root !== undefined) await findRepository(gitFor(wid), root, signal);
    },
    /** Sub-agents end before the turn of their parent, and what they changed is found then. */
    watch(_: WorkspaceId, run: RunRecord, tell: Tell): TurnFiles | null {
      const sid = run.session_id;
      if (ownerOf(sid) !== sid || !isIsolated(sid)) return null;
      const agent = run.agent === SHELL_AGENT ? null : { run_id: run.id, agent: run.agent };
      let before: Promise<void> | undefined;
      return {
        async beforeChange() {
          before ??= lookFor(run, null, tell); // what a person changed between two turns is not the agent's
          await before;
        },
        settled: () => lookFor(run, before === undefined ? null : agent, tell),
      };
    },
    /** What its agents changed; null without a worktree. */
    figures(sid: SessionId): { files: number; additions: number; deletions: number } | null {
      if (store.worktrees.get(sid) === undefined) return null;
      const rows = store.changes.ofSession(sid);
      const sum = (of: "additions" | "deletions") => rows.reduce((total, row) => total + row[of], 0);
      return { files: rows.length, additions: sum("additions"), deletions: sum("deletions") };
    },
    mustBeSafe,
    reap,
    /** Those whose session was deleted while the daemon was stopped. */
    async reapLeftOver(): Promise<void> {
      for (const { session_id } of store.worktrees.all())
        if (store.sessions.get(session_id) === undefined) await reap(session_id);
    },
  };
}
