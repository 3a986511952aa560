import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { contentFilters } from "../git/run-git.ts";
import { saidBy } from "../git/why-failed.ts";
import type { WorktreePlace } from "./change-row.ts";
import { hearthIdentity } from "./create.ts";
import { type GitIn, textOf } from "./git.ts";
import { exists } from "./repository.ts";
import { copyIndex } from "./snapshot.ts";

/**
 * The commit that a worktree was made from: the user's own, also where the uncommitted state made one of hearth's. Null
 * if it is gone.
 */
export async function baseCommitOf(
  gitIn: GitIn,
  { top, store }: WorktreePlace,
  signal: AbortSignal,
): Promise<string | null> {
  const short = dirname(store).split("/").at(-1) ?? "";
  const args = ["log", "-1", "--format=%H %ae %P", `refs/hearth-base/${short}`, "--"];
  const said = await gitIn(top)({ args }, signal);
  const [commit, author, parent] = textOf(said.stdout).split(" ");
  if (said.code !== 0 || commit === undefined || commit === "") return null;
  return author === hearthIdentity.GIT_AUTHOR_EMAIL ? (parent ?? null) : commit;
}

/** Whether the repository has that commit. */
export async function hasCommit(
  gitIn: GitIn,
  root: string,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) return false;
  return (await gitIn(root)({ args: ["cat-file", "-e", `${commit}^{commit}`] }, signal)).code === 0;
}

/**
 * Applies somebody's patch to a worktree that was just made: all of it, or nothing. Git refuses paths outside it, through
 * links and into `.git`. Returns why it could not be applied; undefined if it was. The worktree's index stays as it is.
 */
export async function bringPatch(
  gitIn: GitIn,
  place: WorktreePlace,
  patch: Buffer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const git = gitIn(place.path);
  const index = join(dirname(place.store), "patch-index");
  const env = { GIT_DIR: place.git_dir, GIT_WORK_TREE: place.path, GIT_INDEX_FILE: index };
  const settings = await contentFilters(git, signal);
  if (settings === null) return "the repository names too many filters";
  const own = join(place.git_dir, "index");
  const apply = async (...more: string[]) => {
    if (await exists(own)) await copyIndex(own, index);
    const args = ["apply", "--3way", "--whitespace=nowarn", ...more, "-"];
    return git({ args, env, settings, input: patch }, signal);
  };
  try {
    // In the index alone first: a conflict would leave its marks in the files.
    for (const more of [["--cached"], []]) {
      const said = await apply(...more);
      if (said.code !== 0) return saidBy(said);
    }
    return undefined;
  } finally {
    await rm(index, { force: true });
  }
}
