import { lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import {
  absolute,
  type FileState,
  foldersAbove,
  isSameState,
  parentOf,
  presentAt,
  type RawPath,
  shownPath,
} from "./file-state.ts";
import type { GitStore } from "./git-store.ts";
import type { FileWrite, Found } from "./plan.ts";
import {
  asRefusal,
  ChangedMeanwhile,
  isFolder,
  NotPutBack,
  statsAt,
  syncFolder,
  writeState,
} from "./write-file.ts";

/** What is kept on disk while files are written, so that a killed daemon's work is finished or taken back. */
type Journal = {
  /** Names the files that are being written beside their places. */
  mark: string;
  writes: FileWrite[];
  /** Folders that stay, even when they become empty. */
  kept_folders: RawPath[];
  /** What the caller does afterwards. */
  about: unknown;
};

/** Writes files all or not at all. One call at a time. */
export function createRestore(store: GitStore, root: string) {
  const journalFile = join(store.dir, "undo.json");

  /** What the paths hold now. A folder counts as no file where all that it holds is to go. */
  async function look(paths: Iterable<RawPath>, signal: AbortSignal) {
    const found = new Map<RawPath, Found>();
    const stats = new Map<RawPath, Stats>();
    for (const path of paths) {
      const now = await presentAt(root, path, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return { kind: "unreadable", error } as const;
      });
      if (now.kind === "file") stats.set(path, now.stats);
      found.set(
        path,
        now.kind === "file"
          ? { state: now.state }
          : now.kind === "absent"
            ? { state: null }
            : now.kind === "folder"
              ? { state: null, isFolder: true }
              : { other: now.kind === "blocked" ? "lies behind a link now" : "cannot be read" },
      );
    }
    return { found, stats };
  }

  const tempOf = (path: RawPath, n: number, mark: string, folders: ReadonlySet<RawPath>): RawPath => {
    const folder = foldersAbove(path)
      .reverse()
      .find((above) => folders.has(above));
    const name = `.hearth-undo-${mark}-${n}`;
    return folder === undefined ? name : `${folder}/${name}`;
  };

  /** The folders above these paths that are there. */
  async function foldersThere(paths: readonly RawPath[]): Promise<Set<RawPath>> {
    const there = new Set<RawPath>();
    for (const folder of new Set(paths.flatMap(foldersAbove)))
      if (await isFolder(absolute(root, folder))) there.add(folder);
    return there;
  }

  async function writeJournal(journal: Journal) {
    const temp = `${journalFile}.new`;
    const file = await open(temp, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(journal));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, journalFile);
    await syncFolder(store.dir);
  }

  const removeJournal = async () => {
    await rm(journalFile, { force: true });
    await rm(`${journalFile}.new`, { force: true });
  };

  /** Writes what is to come beside its place. */
  async function stage(writes: readonly FileWrite[], mark: string, signal: AbortSignal) {
    const incoming = writes.flatMap((write, n) => (write.to === null ? [] : [{ ...write, to: write.to, n }]));
    const there = await foldersThere(incoming.map(({ path }) => path));
    const contents = store.contents(
      incoming.map(({ to }) => to.oid),
      signal,
    );
    const temps = new Map<RawPath, RawPath>();
    for (const { path, to, n } of incoming) {
      const { value, done } = await contents.next();
      if (done) throw new Error("the store gave fewer contents than were asked for");
      const temp = tempOf(path, n, mark, there);
      temps.set(path, temp);
      await writeState(absolute(root, temp), to, value, await statsAt(absolute(root, path)));
    }
    return temps;
  }

  /** Puts everything in its place. `stats`: the files as they were looked at. */
  async function commit(
    writes: readonly FileWrite[],
    temps: ReadonlyMap<RawPath, RawPath>,
    stats: ReadonlyMap<RawPath, Stats> | null,
    keptFolders: ReadonlySet<RawPath>,
    onDone: (write: FileWrite) => void,
  ) {
    const going = writes.filter(({ to }) => to === null).sort((a, b) => (a.path < b.path ? 1 : -1));
    for (const write of going) {
      const at = absolute(root, write.path);
      mustBeSame(at, write, stats);
      unlinkSync(at);
      onDone(write);
    }
    await removeEmptied(going, keptFolders);
    for (const write of writes) {
      const temp = temps.get(write.path);
      if (write.to === null || temp === undefined) continue;
      const at = absolute(root, write.path);
      await mkdir(absolute(root, parentOf(write.path) || "."), { recursive: true });
      mustBeSame(at, write, stats);
      renameSync(absolute(root, temp), at);
      onDone(write);
    }
  }

  async function removeEmptied(gone: readonly FileWrite[], kept: ReadonlySet<RawPath>) {
    const folders = new Set(gone.flatMap(({ path }) => foldersAbove(path)).filter((path) => !kept.has(path)));
    for (const folder of [...folders].sort((a, b) => b.length - a.length))
      await rmdir(absolute(root, folder)).catch(() => {}); // not empty: it holds what is not ours
  }

  /** In the same turn of the event loop as the replacement itself. Throws ChangedMeanwhile. */
  function mustBeSame(at: Buffer, { path, from }: FileWrite, stats: ReadonlyMap<RawPath, Stats> | null) {
    if (stats === null) return;
    const seen = stats.get(path);
    const now = lstatSync(at, { throwIfNoEntry: false });
    const isSame =
      seen === undefined || from === null
        ? now === undefined
        : now !== undefined &&
          now.ino === seen.ino &&
          now.size === seen.size &&
          now.mtimeMs === seen.mtimeMs &&
          now.mode === seen.mode;
    if (!isSame) throw new ChangedMeanwhile(shownPath(path));
  }

  /** Takes back what was done of the writes, but for files that were changed since. */
  async function rollBack(done: readonly FileWrite[], journal: Journal, signal: AbortSignal) {
    const { found } = await look(
      done.map(({ path }) => path),
      signal,
    );
    const back = done
      .filter((one) => isAt(found, one.path, one.to))
      .map(({ path, from, to }) => ({ path, from: to, to: from }));
    const temps = await stage(back, `${journal.mark}-back`, signal);
    await commit(back, temps, null, new Set(journal.kept_folders), () => {});
  }

  /** All or nothing. The journal stays. */
  async function attempt(journal: Journal, stats: ReadonlyMap<RawPath, Stats> | null, signal: AbortSignal) {
    const done: FileWrite[] = [];
    try {
      const temps = await stage(journal.writes, journal.mark, signal);
      await commit(journal.writes, temps, stats, new Set(journal.kept_folders), (one) => done.push(one));
    } catch (error) {
      await cleanUp(journal);
      await rollBack(done, journal, AbortSignal.timeout(ROLL_BACK_MS)).catch(() => {
        throw new NotPutBack(error);
      });
      throw error;
    }
  }

  /** Removes files of an interrupted attempt that lie beside their places. */
  async function cleanUp({ writes, mark }: Journal) {
    const begin = Buffer.from(`.hearth-undo-${mark}-`);
    for (const folder of ["", ...(await foldersThere(writes.map(({ path }) => path)))]) {
      const at = folder === "" ? Buffer.from(root) : absolute(root, folder);
      for (const name of await readdir(at, { encoding: "buffer" }))
        if (name.subarray(0, begin.length).equals(begin))
          await rm(Buffer.concat([at, Buffer.from("/"), name]), { force: true });
    }
  }

  return {
    look,
    /**
     * Writes the files; they must be as `stats` has seen them. Throws HearthError conflict or files_unavailable, and
     * then nothing has changed. Call `finish` when what follows is stored.
     */
    async write(
      {
        writes,
        keptFolders,
        about,
      }: { writes: FileWrite[]; keptFolders: ReadonlySet<RawPath>; about: unknown },
      stats: ReadonlyMap<RawPath, Stats>,
      mark: string,
      signal: AbortSignal,
    ) {
      const journal: Journal = { mark, writes, kept_folders: [...keptFolders], about };
      try {
        await writeJournal(journal);
        await attempt(journal, stats, signal);
      } catch (error) {
        // What could not be put back is finished, or taken back, before anything else.
        if (!(error instanceof NotPutBack)) await removeJournal();
        throw asRefusal(error);
      }
    },
    finish: removeJournal,
    /**
     * After a crash: finishes what was begun, or takes it back where a file was changed since. Returns what was to
     * follow if it is finished; undefined where there is nothing to do.
     */
    async recover(signal: AbortSignal): Promise<{ about: unknown; isDone: boolean } | undefined> {
      const journal = await readJournal(journalFile);
      if (journal === undefined) return undefined;
      await cleanUp(journal);
      const { found } = await look(
        journal.writes.map(({ path }) => path),
        signal,
      );
      const open = journal.writes.filter((one) => !isAt(found, one.path, one.to));
      const done = journal.writes.filter((one) => isAt(found, one.path, one.to));
      if (open.every((one) => isAt(found, one.path, one.from))) {
        try {
          await attempt({ ...journal, writes: open }, null, signal);
          return { about: journal.about, isDone: true };
        } catch {
          // what it has done is taken back; so is the rest, below
        }
      }
      await rollBack(done, journal, signal);
      return { about: journal.about, isDone: false };
    },
  };
}

/** Time to take back what could not be finished. */
const ROLL_BACK_MS = 60_000;

async function readJournal(file: string): Promise<Journal | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Journal;
  } catch {
    return undefined; // none, or one that was never complete: then nothing was written
  }
}

const isAt = (found: ReadonlyMap<RawPath, Found>, path: RawPath, state: FileState | null): boolean => {
  const now = found.get(path);
  return now !== undefined && "state" in now && isSameState(now.state, state);
};
