import { constants } from "node:fs";
import { lstat, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { inTime, orAborted } from "../../async/wait.ts";
import { createJudge, type Judgement, type Policy } from "./judge.ts";
import { createFileLookup, type Disk, type FileLookup, type Found, type Link } from "./paths/real-path.ts";
import type { PermissionRequest } from "./request.ts";

/** Disks that spin up and slow network shares answer sooner; what has not answered by then cannot be looked up. */
const LOOK_MS_MAX = 5_000;
/** What is found leads to further questions: a link to the next one, a folder to what is in it. */
const PASSES_MAX = 100;

/** What is asked of the disk itself. Each rejects where it cannot be told. */
export type DiskLooks = {
  [Kind in keyof Disk]: (path: string) => Promise<Exclude<ReturnType<Disk[Kind]>, undefined>>;
};

/**
 * Judges by the policy and the disk as they are. The policy is asked for again at the end, in the same turn of the
 * event loop as the answer. Rejects with the signal's reason when it aborts first.
 */
export type DiskJudge = (
  request: PermissionRequest,
  policy: () => Policy,
  signal?: AbortSignal,
) => Promise<Judgement>;

/**
 * The judge never waits, and the disk may. So it judges by what has been found out so far, what it missed is looked
 * up, and it judges again until it misses nothing. Between judging and acting the disk may change as ever: whoever
 * writes looks again.
 */
export function createDiskJudge(looks: DiskLooks = diskLooks, lookMsMax = LOOK_MS_MAX): DiskJudge {
  const judge = createJudge();
  /** Looks under way. One that hangs is not made a second time: each keeps a thread of Node's pool. */
  const pending = new Map<string, Promise<unknown>>();
  /** Those that have taken too long. */
  const silent = new Set<string>();

  async function look<T>(key: string, start: () => Promise<T>): Promise<T | undefined> {
    if (silent.has(key)) return undefined;
    const known = pending.get(key) as Promise<T> | undefined;
    const answer = known ?? start();
    if (known === undefined) {
      pending.set(key, answer);
      const settled = () => {
        pending.delete(key);
        silent.delete(key);
      };
      answer.then(settled, settled);
    }
    try {
      return await inTime(answer, lookMsMax, key);
    } catch {
      if (pending.get(key) === answer) silent.add(key);
      return undefined; // cannot be told: the judge asks
    }
  }

  return async (request, policy, signal) => {
    const facts = createFacts(looks, look);
    for (let pass = 1; ; pass += 1) {
      const judgement = judge(request, policy(), facts.lookup);
      const findOut = facts.missed();
      if (findOut.length === 0) return judgement;
      if (pass === PASSES_MAX) facts.close();
      else {
        const found = Promise.all(findOut.map((each) => each()));
        await (signal === undefined ? found : orAborted(found, signal));
      }
    }
  };
}

type Look = <T>(key: string, start: () => Promise<T>) => Promise<T | undefined>;

/** What one judgement has found out. */
function createFacts(looks: DiskLooks, look: Look) {
  const known = new Map<string, unknown>();
  let isClosed = false;
  /** The first look that is missing to an answer; the answer without it is a makeshift. */
  let missing: (() => Promise<void>) | undefined;

  function fact<K extends keyof Disk>(
    kind: K,
    path: string,
    makeshift: ReturnType<Disk[K]>,
  ): ReturnType<Disk[K]> {
    const key = `${kind} ${path}`;
    if (known.has(key)) return known.get(key) as ReturnType<Disk[K]>;
    if (isClosed) return makeshift;
    missing ??= async () =>
      void known.set(key, (await look<unknown>(key, () => looks[kind](path))) ?? makeshift);
    return makeshift;
  }
  const disk: Disk = {
    link: (path) => fact("link", path, "unknown"),
    stat: (path) => fact("stat", path, "unknown"),
    bytes: (path) => fact("bytes", path, undefined),
    names: (path) => fact("names", path, undefined),
    trueCase: (path) => (process.platform === "darwin" ? fact("trueCase", path, undefined) : path),
  };
  const files = createFileLookup(disk);

  const unanswered = new Map<string, () => Promise<void>>();
  /** Answers as far as is known; what is not is found out later, one look after the other. */
  function asked<T>(key: string, answer: () => T): T {
    missing = undefined;
    const made = answer();
    if (missing === undefined) return made;
    unanswered.set(key, async () => {
      for (;;) {
        missing = undefined;
        answer();
        const next = missing as (() => Promise<void>) | undefined;
        if (next === undefined) return;
        await next();
      }
    });
    return made;
  }
  const lookup: FileLookup = {
    realPath: (path) => asked(`real ${path}`, () => files.realPath(path)),
    list: (path) => asked(`list ${path}`, () => files.list(path)),
    isPlainRepository: (path) => asked(`git ${path}`, () => files.isPlainRepository(path)),
  };
  return {
    lookup,
    /** What would find out what has been missed since the last time. */
    missed() {
      const all = [...unanswered.values()];
      unanswered.clear();
      return all;
    },
    /** What is not known by now cannot be told. */
    close() {
      isClosed = true;
    },
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

export const diskLooks: DiskLooks = {
  async link(path): Promise<Link> {
    try {
      const stats = await lstat(path);
      return stats.isSymbolicLink() ? { target: await readlink(path) } : "none";
    } catch (error) {
      return isMissing(error) ? "missing" : "unknown";
    }
  },
  async stat(path): Promise<Found> {
    try {
      const stats = await stat(path);
      return { isFile: stats.isFile(), size: stats.size };
    } catch (error) {
      return isMissing(error) ? "missing" : "unknown";
    }
  },
  async bytes(path) {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file`);
    return file.readFile();
  },
  async names(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  trueCase: (path) => realpath(path),
};
