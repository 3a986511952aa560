import { settlesWithin } from "../../async/wait.ts";
import { namesAt, saysWhere } from "./folder-names.ts";
import { createListedPaths, type ListedPaths } from "./listed-paths.ts";
import { listPaths } from "./path-listing.ts";

/** What has been listed by then (a dead network share, a folder without end) has to do. */
const LISTING_MS_MAX = 60_000;
/** Somebody waits for a first answer: after that long with what there is. */
const FIRST_ANSWER_MS = 150;
/** A listing is shown at once and made anew behind it when it is older than this, or than some times what it took. */
const FRESH_MS = 2000;
const FRESH_TIMES_TAKEN = 5;
/** Who types asks again and again; a listing that nobody has asked for in this time is ended. */
const GIVEN_UP_MS = 600;
/** Kept for the next `@`. */
const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 4;

export type FoundFiles = {
  /** Best first, relative to the root or in the way they were typed; folders end in a slash. */
  files: string[];
  /** There are more files in the workspace than were looked at. */
  truncated: boolean;
  /** False while the files are still being listed: asked again, it may find more. */
  complete: boolean;
};

type Listing = { paths: ListedPaths; stop: AbortController; done: Promise<void>; isWhole: boolean };
type Whole = Listing & { endedAt: number; tookMs: number };
type Known = {
  running: Listing | undefined;
  whole: Whole | undefined;
  askers: number;
  idle?: NodeJS.Timeout;
};

export type FileSearch = ReturnType<typeof createFileSearch>;

/**
 * Finds files and folders of a workspace by a few letters of their path, .gitignore respected. What has been listed
 * is shown while the rest comes in, and kept; a path that says where it begins, or that names what is ignored, is
 * looked up where it leads.
 */
export function createFileSearch(now: () => number, listingMsMax = LISTING_MS_MAX) {
  const roots = new Map<string, Known>(); // in the order they were last asked for

  function start(root: string, known: Known): void {
    const startedAt = now();
    const stop = new AbortController();
    const paths = createListedPaths();
    const listing: Listing = { paths, stop, done: Promise.resolve(), isWhole: true };
    known.running = listing;
    listing.done = listPaths(root, listingMsMax, paths.add, stop.signal).then(
      ({ isWhole }) => {
        known.whole?.paths.close();
        const endedAt = now();
        known.whole = Object.assign(listing, { isWhole, endedAt, tookMs: endedAt - startedAt });
        known.running = undefined;
      },
      (error: unknown) => {
        paths.close();
        if (known.running === listing) known.running = undefined;
        if (!stop.signal.aborted) throw error;
      },
    );
    listing.done.catch(() => {}); // told to whoever waits for it
  }

  function entryOf(root: string): Known {
    const known: Known = roots.get(root) ?? { running: undefined, whole: undefined, askers: 0 };
    roots.delete(root);
    roots.set(root, known);
    for (const [other, entry] of roots) {
      if (roots.size <= KEPT_MAX) break;
      if (entry.askers === 0) forget(other, entry);
    }
    clearTimeout(known.idle);
    return known;
  }
  function forget(root: string, known: Known): void {
    clearTimeout(known.idle);
    known.running?.stop.abort();
    known.whole?.paths.close();
    roots.delete(root);
  }
  function rest(root: string, known: Known): void {
    if (known.askers > 0) return;
    clearTimeout(known.idle);
    known.idle = setTimeout(() => {
      known.running?.stop.abort();
      known.idle = setTimeout(() => forget(root, known), KEPT_MS);
      known.idle.unref();
    }, GIVEN_UP_MS);
    known.idle.unref();
  }

  async function findListed(
    root: string,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundFiles> {
    const known = entryOf(root);
    known.askers++;
    try {
      const { whole } = known;
      const isOld =
        whole === undefined || now() - whole.endedAt >= Math.max(FRESH_MS, FRESH_TIMES_TAKEN * whole.tookMs);
      if (isOld && known.running === undefined) start(root, known);
      const { running } = known;
      if (running !== undefined && whole === undefined) {
        if (await settlesWithin(running.done, FIRST_ANSWER_MS, signal)) await running.done;
      }
      signal.throwIfAborted();
      const asked = known.whole ?? known.running;
      const files = (await asked?.paths.find(query, limit)) ?? [];
      return {
        files,
        truncated: known.whole?.isWhole === false,
        complete: known.running === undefined,
      };
    } finally {
      known.askers--;
      rest(root, known);
    }
  }

  return {
    async find(root: string, query: string, limit: number, signal: AbortSignal): Promise<FoundFiles> {
      if (saysWhere(query))
        return { files: await namesAt(root, query, limit, signal), truncated: false, complete: true };
      const found = await findListed(root, query, limit, signal);
      if (query === "" || found.files.length >= limit) return found;
      // What is ignored is in no listing, and still a path that a person may mean.
      const named = await namesAt(root, query, limit, signal);
      return { ...found, files: [...new Set([...found.files, ...named])].slice(0, limit) };
    },
    close(): void {
      for (const [root, known] of roots) forget(root, known);
    },
  };
}
