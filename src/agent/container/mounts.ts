import { lstat, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import { gitFoldersOf } from "../sandbox/places.ts";
import type { Mount } from "./command-lines.ts";

/**
 * What a container sees of this machine: the root, and the repository's own folders to read only: a command that could
 * write there could leave hooks and settings that git outside runs. Throws container_unavailable.
 */
export async function mountsOf(root: string): Promise<Mount[]> {
  const real = await realpath(root);
  const git = await gitPlaceAbove(real);
  const readOnly = [...(git === undefined ? [] : [git]), ...(await gitFoldersOf(real))];
  const mounts = [
    { path: real, isReadOnly: false },
    ...[...new Set(readOnly)].map((path) => ({ path, isReadOnly: true })),
  ];
  const odd = mounts.find(({ path }) => /[,"\n]/.test(path));
  if (odd === undefined) return mounts;
  throw new HearthError(
    "container_unavailable",
    `A folder whose path has a comma, a quote or a line break cannot be mounted in a container: ${odd.path}`,
  );
}

/** The `.git` that git finds from the root: a folder, or a file that names one. */
async function gitPlaceAbove(root: string): Promise<string | undefined> {
  for (let folder = root; ; folder = dirname(folder)) {
    const at = join(folder, ".git");
    const stats = await lstat(at).catch(() => undefined);
    if (stats?.isDirectory() || stats?.isFile()) return at;
    if (folder === dirname(folder)) return undefined;
  }
}
