import { realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { readBeginning } from "../agent/files/read-beginning.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Store } from "./store/open.ts";
import type { WorkspaceRow } from "./store/workspaces.ts";

const GIT_FILE_BYTES_MAX = 4096;

/** A directory's real path and its identity, which differs if another takes its place. */
type Directory = { path: string; identity: string };

/** The directory that a client opens. Throws not_a_directory. */
export async function directoryToOpen(path: string): Promise<Directory> {
  const refuse = (why: string) =>
    new HearthError(
      "not_a_directory",
      `path: ${path} ${why}; name an existing directory by its absolute path.`,
      { details: { field: "path", path } },
    );
  if (!path.startsWith("/")) throw refuse("is not absolute");
  if (path.includes("\0")) throw refuse("holds a NUL byte");
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    throw refuse(cause.code === "ENOENT" ? "does not exist" : `cannot be read (${cause.code})`);
  });
  const identity = await identityOf(real);
  if (identity === undefined) throw refuse("is not a directory");
  return { path: real, identity };
}

/** The directory of a run, which may be gone since it was opened. Throws not_a_directory. */
export async function directoryToWorkIn(path: string): Promise<Directory> {
  const identity = await identityOf(path).catch(() => undefined);
  if (identity === undefined) {
    throw new HearthError(
      "not_a_directory",
      `The directory ${path} is gone; put it back, or open hearth where your work is now.`,
    );
  }
  if ((await realpath(path)) !== path) {
    throw new HearthError(
      "not_a_directory",
      `${path} is a link to somewhere else now; open hearth in it again if that is where you work.`,
    );
  }
  return { path, identity };
}

async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true });
  return found.isDirectory() ? `${found.dev}:${found.ino}` : undefined;
}

/**
 * Records which directory is at a workspace's path. If it is another than before, the old grants and the old trust are deleted
 * (attacks.md A26).
 */
export function recordIdentity(
  store: Store,
  { id, identity: before }: WorkspaceRow,
  { identity }: Directory,
): void {
  if (identity === before) return;
  store.transaction("relaxed", () => {
    if (before !== "") {
      store.grants.forgetWorkspace(id);
      store.trust.forgetWorkspace(id);
    }
    store.workspaces.setIdentity(id, identity);
  });
}

/** Reads .git directly: starting git would take longer than the rest of a snapshot. */
export async function branchOf(path: string): Promise<string | null> {
  try {
    for (let dir = path; ; dir = dirname(dir)) {
      const git = join(dir, ".git");
      const found = await stat(git).catch(unlessMissing);
      if (found) {
        const folder = found.isDirectory()
          ? git
          : resolve(dir, (await readLine(git)).replace(/^gitdir:\s*/, ""));
        const head = await readLine(join(folder, "HEAD"));
        return head.startsWith("ref: ") ? head.slice("ref: refs/heads/".length) : head.slice(0, 8);
      }
      if (dir === dirname(dir)) return null;
    }
  } catch {
    return null; // the repository cannot be read
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** The file comes from somebody's repository and may be anything. */
async function readLine(path: string): Promise<string> {
  const found = await readBeginning(path, GIT_FILE_BYTES_MAX);
  if (found === undefined || found.size > GIT_FILE_BYTES_MAX) throw new Error(`${path} is no file of git's`);
  return found.bytes.toString().trim();
}
