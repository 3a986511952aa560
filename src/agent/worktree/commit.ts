import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { contentFilters } from "../git/run-git.ts";
import type { WorktreePlace } from "./change-row.ts";
import { hearthIdentity } from "./create.ts";
import { type GitIn, mustName, mustRun, textOf } from "./git.ts";
import { exists } from "./repository.ts";
import { copyIndex, updateIndex, writeTree } from "./snapshot.ts";

/**
 * Commits the worktree's present state to its branch, so that a person can check it out, merge or push it. The branch is made
 * again if it was deleted. Returns the commit; the branch's last one where nothing is new. No hook and no filter runs.
 */
export async function commitToBranch(
  gitIn: GitIn,
  place: WorktreePlace,
  message: string,
  signal: AbortSignal,
): Promise<string> {
  const git = gitIn(place.path);
  const index = join(dirname(place.store), "commit-index");
  const at = { GIT_DIR: place.git_dir, GIT_WORK_TREE: place.path };
  const env = { ...at, GIT_INDEX_FILE: index };
  const own = join(place.git_dir, "index");
  try {
    await copyIndex(own, index);
    const options = {
      ...{ git, env, files: place.path, zero: place.zero, excludes: [excludesOf(place)] },
      settings: (await contentFilters(git, signal)) ?? [],
    };
    await updateIndex(options, signal);
    const tree = await writeTree(options, signal);
    const parent = await lastCommit(gitIn, place, signal);
    const before = await git({ args: ["rev-parse", `${parent}^{tree}`], env: at }, signal);
    if (textOf(before.stdout) === tree) return parent;
    const isKnown = (await git({ args: ["var", "GIT_COMMITTER_IDENT"], env: at }, signal)).code === 0;
    const args = ["commit-tree", tree, "-p", parent, "-m", message];
    const identity = isKnown ? {} : hearthIdentity;
    const commit = await mustName(git, "commit", { args, env: { ...at, ...identity } }, signal);
    const ref = `refs/heads/${place.branch}`;
    await mustRun(git, "move the branch", { args: ["update-ref", ref, commit], env: at }, signal);
    // Otherwise git would show the commit's files as changed the other way.
    const head = await git({ args: ["symbolic-ref", "--quiet", "HEAD"], env: at }, signal);
    if (textOf(head.stdout) === ref && !(await exists(`${own}.lock`))) await rename(index, own);
    return commit;
  } finally {
    await rm(index, { force: true });
  }
}

async function lastCommit(gitIn: GitIn, place: WorktreePlace, signal: AbortSignal): Promise<string> {
  const git = gitIn(place.top);
  for (const ref of [`refs/heads/${place.branch}`, firstStateOf(place)]) {
    const found = await git({ args: ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`] }, signal);
    if (found.code === 0) return textOf(found.stdout);
  }
  return textOf(await mustRun(git, "find HEAD", { args: ["rev-parse", "HEAD"] }, signal));
}

/** Keeps the commit that the worktree began from. */
export const firstStateOf = ({ store }: Pick<WorktreePlace, "store">): string =>
  `refs/hearth-base/${dirname(store).split("/").at(-1)}`;

/** Names what was copied or linked into the worktree. */
export const excludesOf = ({ store }: Pick<WorktreePlace, "store">): string =>
  join(dirname(store), "exclude");
