import { lstat, mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { createTimeSlice } from "../../async/time-slice.ts";
import { absolute, type RawPath, rawPath, shownPath } from "./file-state.ts";
import { type GitStore, pathList } from "./git-store.ts";
import { FILE_BYTES_MAX } from "./snapshot.ts";

/**
 * Makes the files of a folder that git has just checked out what a recorded tree holds, byte for byte; only those that
 * differ are written. `top` is the top of the checkout, `root` the workspace in it. What no checkpoint records (ignored
 * and large files) stays as the checkout has it; the large ones are returned.
 */
export async function fillFolder(
  store: GitStore,
  tree: string,
  { top, root, mark }: { top: string; root: string; mark: string },
  signal: AbortSignal,
): Promise<string[]> {
  await mkdir(root, { recursive: true });
  const index = join(store.dir, `index-fill-${mark}`);
  const env = { GIT_WORK_TREE: top, GIT_INDEX_FILE: index };
  const at = { env, cwd: root };
  const prefix = relative(top, root);
  try {
    const into = prefix === "" ? [] : [`--prefix=${prefix}/`];
    await store.git({ args: ["read-tree", ...into, tree], ...at }, signal);
    // Its exit code says that some differ. Without it, git would take every file for changed.
    await store.tryGit({ args: ["update-index", "-q", "--refresh"], ...at }, signal);
    const others = await store.git({ args: ["ls-files", "-z", "-o", "--exclude-standard"], ...at }, signal);
    const kept: string[] = [];
    const slice = createTimeSlice();
    for (const path of namesIn(others)) {
      await slice.rest();
      const file = absolute(root, path);
      const stats = await lstat(file).catch(() => undefined);
      if (stats?.isFile() && stats.size > FILE_BYTES_MAX) kept.push(shownPath(path));
      else await rm(file, { recursive: true, force: true });
    }
    const differing = await store.git({ args: ["ls-files", "-z", "-m", "-d"], ...at }, signal);
    const paths = [...new Set(namesIn(differing))];
    if (paths.length > 0)
      await store.git(
        { args: ["checkout-index", "-q", "-f", "-z", "--stdin"], ...at, input: pathList(paths) },
        signal,
      );
    return kept;
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

const namesIn = (listed: Buffer): RawPath[] => rawPath(listed).split("\0").filter(Boolean);
