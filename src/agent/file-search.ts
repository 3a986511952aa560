import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import fuzzysort, { type Prepared } from "fuzzysort";
import { HearthError } from "../protocol/errors.ts";

/** A listing is good for so long; a person who types a name after `@` asks several times a second. */
const LISTING_KEPT_MS = 5_000;
const PATHS_MAX = 200_000;
/** What has been listed by then (a dead network share, a folder without end) has to do. */
const LISTING_MS_MAX = 10_000;

type Listing = { at: number; prepared: Promise<readonly Prepared[]>; isTruncated: boolean };

export type FileSearch = ReturnType<typeof createFileSearch>;

/**
 * Finds files of a workspace by a few letters of their path, .gitignore respected. One listing serves all questions
 * of some seconds; the newest workspaces' listings are kept until then.
 */
export function createFileSearch(now: () => number, listingMsMax = LISTING_MS_MAX) {
  const listings = new Map<string, Listing>();

  function listingOf(root: string): Listing {
    const known = listings.get(root);
    if (known && now() - known.at < LISTING_KEPT_MS) return known;
    for (const [other, { at }] of listings) if (now() - at >= LISTING_KEPT_MS) listings.delete(other);
    const listing: Listing = { at: now(), prepared: Promise.resolve([]), isTruncated: false };
    listing.prepared = listPaths(root, listingMsMax).then(({ paths, isTruncated }) => {
      listing.isTruncated = isTruncated;
      listing.at = now();
      return paths.map((path) => fuzzysort.prepare(path));
    });
    listings.set(root, listing);
    listing.prepared.catch(() => listings.delete(root));
    return listing;
  }

  return {
    /** Best first; paths relative to `root`. Without a query: the first in order. */
    async find(root: string, query: string, limit: number): Promise<{ files: string[]; truncated: boolean }> {
      const listing = listingOf(root);
      const prepared = await listing.prepared;
      const files =
        query === ""
          ? prepared.slice(0, limit).map(({ target }) => target)
          : fuzzysort.go(query, prepared, { limit }).map(({ target }) => target);
      return { files, truncated: listing.isTruncated };
    },
  };
}

async function listPaths(root: string, timeout: number): Promise<{ paths: string[]; isTruncated: boolean }> {
  const { rgPath } = await import("@vscode/ripgrep");
  const args = [
    "--no-config",
    "--no-messages",
    "--files",
    "--hidden",
    "--glob=!.git",
    "--no-require-git",
    "--sort=path",
    ".",
  ];
  const child = spawn(rgPath, args, {
    cwd: root,
    env: {},
    stdio: ["ignore", "pipe", "ignore"],
    timeout,
  });
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  const signaled = new Promise<boolean>((resolve) => {
    child.on("close", (_, signal) => resolve(signal !== null));
  });
  const paths: string[] = [];
  let isTruncated = false;
  try {
    const read = async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        if (paths.length >= PATHS_MAX) {
          isTruncated = true;
          break;
        }
        paths.push(line.replace(/^\.\//, ""));
      }
    };
    await Promise.race([read(), failed]);
    isTruncated ||= await signaled;
  } catch (cause) {
    throw new HearthError("internal", "The files of this workspace cannot be listed: ripgrep does not run.", {
      cause,
    });
  } finally {
    child.kill("SIGKILL");
  }
  return { paths, isTruncated };
}
