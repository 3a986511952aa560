import { settlesWithin } from "../../async/wait.ts";
import { createListedPaths, type ListedPaths } from "./listed-paths.ts";
import { completePath, isExplicitPath } from "./path-completion.ts";
import { listPaths } from "./path-listing.ts";

/** A listing ends after this time (a slow network share, a huge tree); what was found is used. */
const LISTING_MS_MAX = 60_000;
/** The first answer comes after this time at the latest, with what was found so far. */
const FIRST_ANSWER_MS = 150;
/** An older listing is still used at once, and refreshed in the background: older than this, or than this many times its own duration. */
const FRESH_MS = 2000;
const FRESH_TIMES_TAKEN = 5;
/** A running listing is ended when nobody searched for this time. */
const ABANDONED_MS = 600;
/** How long, and for how many folders, listings are kept for the next `@`. */
const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 4;

export type FoundFiles = {
  /** Best first, relative to the root, or as typed; folders end in a slash. */
  files: string[];
  /** The workspace has more files than were listed. */
  truncated: boolean;
  /** false while the files are still being listed: a later search may find more. */
  complete: boolean;
};

type Listing = { paths: ListedPaths; stop: AbortController; done: Promise<void>; isWhole: boolean };
type Whole = Listing & { endedAt: number; tookMs: number };
type Known = {
  running: Listing | undefined;
  whole: Whole | undefined;
  activeSearches: number;
  idle?: NodeJS.Timeout;
};

export type FileSearch = ReturnType<typeof createFileSearch>;

/**
 * Finds files and folders of a workspace by a few letters of their path. Respects .gitignore. Returns what was listed so
 * far while the rest comes in. Explicit paths (`/`, `~`, `.`) and ignored files are looked up in the file system.
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
    listing.done.catch(() => {}); // whoever awaits it gets the error
  }

  function entryOf(root: string): Known {
    const known: Known = roots.get(root) ?? { running: undefined, whole: undefined, activeSearches: 0 };
    roots.delete(root);
    roots.set(root, known);
    for (const [other, entry] of roots) {
      if (roots.size <= KEPT_MAX) break;
      if (entry.activeSearches === 0) forget(other, entry);
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
  function startIdleTimers(root: string, known: Known): void {
    if (known.activeSearches > 0) return;
    clearTimeout(known.idle);
    known.idle = setTimeout(() => {
      known.running?.stop.abort();
      known.idle = setTimeout(() => forget(root, known), KEPT_MS);
      known.idle.unref();
    }, ABANDONED_MS);
    known.idle.unref();
  }

  async function findListed(
    root: string,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundFiles> {
    const known = entryOf(root);
    known.activeSearches++;
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
      const listing = known.whole ?? known.running;
      const files = (await listing?.paths.find(query, limit)) ?? [];
      return {
        files,
        truncated: known.whole?.isWhole === false,
        complete: known.running === undefined,
      };
    } finally {
      known.activeSearches--;
      startIdleTimers(root, known);
    }
  }

  return {
    async find(root: string, query: string, limit: number, signal: AbortSignal): Promise<FoundFiles> {
      if (isExplicitPath(query))
        return { files: await completePath(root, query, limit, signal), truncated: false, complete: true };
      const found = await findListed(root, query, limit, signal);
      if (query === "" || found.files.length >= limit) return found;
      // Ignored files are not listed, but a person may still mean one.
      const named = await completePath(root, query, limit, signal);
      return { ...found, files: [...new Set([...found.files, ...named])].slice(0, limit) };
    },
    close(): void {
      for (const [root, known] of roots) forget(root, known);
    },
  };
}
