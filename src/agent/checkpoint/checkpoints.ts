import { access, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import { createGitRunner } from "../git/run-git.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { type RawPath, shownPath } from "./file-state.ts";
import { fillFolder } from "./fill-folder.ts";
import { createGitStore, EMPTY_TREE } from "./git-store.ts";
import { filesIn } from "./list-folder.ts";
import { workTreeOf } from "./place.ts";
import { type FileChange, type FileConflict, type FilesPlan, type FileWrite, planUndo } from "./plan.ts";
import { createRestore } from "./restore.ts";
import { createSnapshots, type Snapshot } from "./snapshot.ts";
import { asRefusal } from "./write-file.ts";

/** A change of files between two trees, newest first in a list of them. */
export type ChangedTurn = {
  before: string;
  after: string;
  /** Files that something else may have changed meanwhile, with the reason. */
  doubtful?: ReadonlyMap<RawPath, string>;
};

export type Preview = { changes: FileWrite[]; conflicts: FileConflict[] };

export type CheckpointDeps = {
  /** The workspace. */
  root: string;
  /** Where its store is kept; made when it is needed. */
  dir: string;
  processes: ProcessSupervisor;
  env: Readonly<Record<string, string>>;
  /** `limits.checkpoint_bytes`. */
  bytesMax(): number;
  /** Names an attempt to write files; any string of letters and digits. */
  newMark(): string;
  /** What a killed daemon had begun is finished: does what `about` says should follow. It has to be stored on return. */
  onRecovered(about: unknown): void;
};

export type Checkpoints = ReturnType<typeof createCheckpoints>;

/** One workspace's checkpoints: what its folder held before and after turns, and how to go back and forward. */
export function createCheckpoints(deps: CheckpointDeps) {
  const { root, dir } = deps;
  const store = createGitStore(deps);
  const restore = createRestore(store, root);
  let snapshots: Promise<ReturnType<typeof createSnapshots>> | null = null;
  let tidying: AbortController | null = null;

  /** One after the other: they share an index. What tidies up makes way. */
  let queue: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    tidying?.abort();
    const turn = queue.then(work, work);
    queue = turn.catch(() => {});
    return turn;
  }

  async function open(signal: AbortSignal) {
    await store.make(signal);
    const place = await workTreeOf(root);
    const globalExcludes = await userExcludes(signal);
    const limits = { bytesMax: deps.bytesMax(), globalExcludes };
    if (place.prefix === "") return createSnapshots(store, root, place, limits);
    // Where the repository around it ignores the workspace, its rules would leave nothing to record.
    const inner = createSnapshots(store, root, place, limits);
    const env = { GIT_WORK_TREE: place.base, GIT_INDEX_FILE: inner.indexFile };
    const { code } = await store.tryGit(
      { args: ["check-ignore", "-q", place.prefix], env, cwd: place.base },
      signal,
    );
    return code === 0 ? createSnapshots(store, root, { base: root, prefix: "" }, limits) : inner;
  }

  /** What the user's own git ignores everywhere. */
  async function userExcludes(signal: AbortSignal): Promise<string> {
    const git = createGitRunner(deps.processes, { root, env: deps.env, owner: "hearth-checkpoints" });
    const { stdout } = await git({ args: ["config", "--path", "--get", "core.excludesFile"] }, signal);
    const config = deps.env["XDG_CONFIG_HOME"] || join(deps.env["HOME"] ?? homedir(), ".config");
    const file = stdout.toString().trim() || join(config, "git", "ignore");
    return readFile(file, "latin1").catch(() => "");
  }

  async function take(signal: AbortSignal): Promise<Snapshot> {
    snapshots ??= open(signal);
    try {
      return await (await snapshots).take(signal);
    } catch (error) {
      // A store that was removed or damaged is made anew.
      snapshots = null;
      throw error;
    }
  }

  /** What taking back these turns would write, and what stands in the way. */
  async function plan(turns: readonly ChangedTurn[], signal: AbortSignal) {
    const changed: { changes: FileChange[]; doubtful?: ReadonlyMap<RawPath, string> }[] = [];
    for (const { before, after, ...rest } of turns)
      changed.push({ ...rest, changes: await store.changes(before, after, signal) });
    const paths = new Set(changed.flatMap(({ changes }) => changes.map(({ path }) => path)));
    const { found, stats } = await restore.look(paths, signal);
    const planned = planUndo(changed, found);
    const conflicts = [...planned.conflicts];
    const gone = new Set(planned.writes.flatMap(({ path, to }) => (to === null ? [path] : [])));
    for (const { path, to } of planned.writes) {
      const now = found.get(path);
      if (to === null || now === undefined || !("isFolder" in now)) continue;
      const inside = await filesIn(root, path);
      if (inside.length === 0 || inside.some((one) => !gone.has(one)))
        conflicts.push({ path, reason: "is a folder now" });
    }
    return { plan: { ...planned, conflicts } satisfies FilesPlan, stats };
  }

  /** Finishes or takes back what a killed daemon was writing. */
  async function recover(signal: AbortSignal): Promise<void> {
    const left = await restore.recover(signal).catch((error: unknown) => {
      throw asRefusal(error);
    });
    if (left === undefined) return;
    if (left.isDone) deps.onRecovered(left.about);
    await restore.finish();
  }

  return {
    /** Records the folder. Throws HearthError files_unavailable. */
    take: (signal: AbortSignal) => inTurn(() => take(signal)),
    /** Records the folder if that was never done: the first time takes long where there are many files. */
    prepare: (signal: AbortSignal): Promise<void> =>
      inTurn(async () => {
        if (snapshots !== null || (await isThere(join(dir, "index")))) return;
        await take(signal);
      }),
    changes: (before: string, after: string, signal: AbortSignal) =>
      inTurn(() => store.changes(before, after, signal)),
    lineCounts: (before: string, after: string, signal: AbortSignal) =>
      inTurn(() => store.lineCounts(before, after, signal)),
    preview: (turns: readonly ChangedTurn[], signal: AbortSignal): Promise<Preview> =>
      inTurn(async () => {
        const { plan: planned } = await plan(turns, signal);
        return { changes: planned.writes, conflicts: planned.conflicts };
      }),
    /**
     * Takes these turns back, the newest first in the list, all or none; then calls `afterwards`, which has to be stored
     * when it returns. After a crash in between, `onRecovered` is called with `about`.
     * Throws HearthError conflict with details.paths, or files_unavailable; nothing has changed then.
     */
    undo: (
      turns: readonly ChangedTurn[],
      { about, afterwards }: { about: unknown; afterwards(writes: readonly FileWrite[]): void },
      signal: AbortSignal,
    ): Promise<FileWrite[]> =>
      inTurn(async () => {
        await recover(signal);
        const { plan: planned, stats } = await plan(turns, signal);
        if (planned.conflicts.length > 0) throw conflictOf(planned.conflicts);
        const { writes } = planned;
        if (writes.length > 0) {
          const oldest = turns.at(-1)?.before ?? EMPTY_TREE;
          const keptFolders = writes.some(({ to }) => to === null)
            ? await store.folders(oldest, signal)
            : new Set<RawPath>();
          await restore.write({ writes, keptFolders, about }, stats, deps.newMark(), signal);
        }
        afterwards(writes);
        await restore.finish();
        return writes;
      }),
    /** Makes the files of a folder that git has just checked out what a tree holds; the large ones that it left. */
    fill: (tree: string, place: { top: string; root: string }, signal: AbortSignal): Promise<string[]> =>
      inTurn(async () => {
        if ((await store.tryGit({ args: ["cat-file", "-e", `${tree}^{tree}`] }, signal)).code !== 0)
          throw new HearthError("files_unavailable", "The checkpoint of these files is gone or damaged.");
        return fillFolder(store, tree, { ...place, mark: deps.newMark() }, signal);
      }),
    /** Works with the store while nothing else does. */
    alone: <T>(work: () => Promise<T>): Promise<T> => inTurn(work),
    recover: (signal: AbortSignal) => inTurn(() => recover(signal)),
    size: (signal: AbortSignal) => inTurn(() => store.size(signal)),
    /** Deletes what no tree of `kept` holds. Makes way for whatever else is asked for. */
    async tidy(kept: readonly string[], signal: AbortSignal): Promise<void> {
      const makesWay = new AbortController();
      await queue;
      tidying = makesWay;
      const ends = AbortSignal.any([signal, makesWay.signal]);
      const work = async () => {
        const refs = kept.map((tree, n) => `${tree} refs/hearth/${n}\n`).join("");
        await writeFile(join(dir, "packed-refs"), refs, { mode: 0o600 });
        const env = { GIT_INDEX_FILE: join(dir, "index") };
        await store.git({ args: ["repack", "-a", "-d", "-q", "--depth=10", "--window=5"], env }, ends);
        await store.git({ args: ["prune", "--expire=now"], env }, ends);
      };
      const turn = queue.then(work);
      queue = turn.catch(() => {});
      try {
        await turn;
      } finally {
        if (tidying === makesWay) tidying = null;
      }
    },
  };
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const NAMED_MAX = 5;

function conflictOf(conflicts: readonly FileConflict[]): HearthError {
  const shown = conflicts.map(({ path, reason }) => ({ path: shownPath(path), reason }));
  const named = shown.slice(0, NAMED_MAX).map(({ path, reason }) => `${path} ${reason}`);
  const more = shown.length > NAMED_MAX ? [`${shown.length - NAMED_MAX} more`] : [];
  return new HearthError("conflict", `Nothing was changed: ${[...named, ...more].join("; ")}.`, {
    details: { paths: shown.map(({ path }) => path), conflicts: shown },
  });
}
