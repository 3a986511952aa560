import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import { contentFilters, type GitSettings } from "../git/run-git.ts";
import { saidBy } from "../git/why-failed.ts";
import type { WorktreePlace } from "./change-row.ts";
import { type GitIn, mustName, mustRun, textOf } from "./git.ts";
import { convertsContent, exists, findRepository, objectsOf, type Repository } from "./repository.ts";
import { copyIndex, pathIn, updateIndex, writeTree } from "./snapshot.ts";
import { whyUnwritable } from "./write-files.ts";

/** A large folder takes a while to delete. */
const REMOVE_MS_MAX = 5 * 60_000;

export type Creation = {
  gitIn: GitIn;
  /** The session's workspace; real path. */
  root: string;
  /** A folder of hearth's own for this worktree, which holds nothing else. */
  folder: string;
  /** Names the branch: `hearth/<short>`. */
  short: string;
  /** Fills in what git does not have, before the first state is recorded; paths that are no change of anybody's. */
  prepare(root: string): Promise<readonly string[]>;
  /** The files of an earlier time instead of the present ones. */
  past?: PastFiles | undefined;
};

export type PastFiles = {
  /** ISO time: the worktree begins from the last commit of HEAD's history that is not later. */
  at: string;
  /** Makes the files in the folder what they were then. Returns those that it left as the commit has them. */
  fill(place: { top: string; root: string }, signal: AbortSignal): Promise<readonly string[]>;
};

/** Whoever commits for hearth. */
export const hearthIdentity = {
  GIT_AUTHOR_NAME: "hearth",
  GIT_AUTHOR_EMAIL: "hearth@localhost",
  GIT_COMMITTER_NAME: "hearth",
  GIT_COMMITTER_EMAIL: "hearth@localhost",
} as const;

/** Content in the worktree's own store is what the files hold: no line ends, encodings or filters are changed. */
const rawAttributes = "* -text -ident -filter -working-tree-encoding\n";

/**
 * Makes a git worktree on a branch of its own, from HEAD and the uncommitted state: tracked changes, and untracked files
 * that are not ignored; with `past`, from what the files were then. The user's index, stash and HEAD stay untouched.
 * Throws isolation_unavailable with the reason, and then leaves nothing behind.
 */
export async function createWorktree(
  { gitIn, root, folder, short, prepare, past }: Creation,
  signal: AbortSignal,
): Promise<{ place: WorktreePlace; leftOut: string[] }> {
  const repository = await findRepository(gitIn, root, signal);
  const git = gitIn(repository.top);
  const filters = await contentFilters(git, signal);
  if (filters === null) throw refused("the repository names too many filters");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const branch = await branchFor(gitIn, repository, short, signal);
  const path = join(
    folder,
    basename(repository.top)
      .replace(/[^\w.-]/g, "_")
      .replace(/^[-.]+/, "") || "work",
  );
  try {
    const begun =
      past === undefined
        ? await commitPresent(gitIn, repository, filters, join(folder, "index"), signal)
        : { commit: await lastCommitUntil(gitIn, repository, past.at, signal), paths: [], leftOut: [] };
    const args = ["worktree", "add", "--quiet", "--no-track", "-b", branch, path, begun.commit];
    const made = await git({ args, settings: filters }, signal);
    if (made.code !== 0) throw refused(saidBy(made));
    await mustRun(
      git,
      "keep the first state",
      { args: ["update-ref", `refs/hearth-base/${short}`, begun.commit] },
      signal,
    );
    const git_dir = textOf(
      await mustRun(gitIn(path), "find the worktree", { args: ["rev-parse", "--absolute-git-dir"] }, signal),
    );
    const place: WorktreePlace = {
      top: repository.top,
      prefix: repository.prefix,
      common_dir: repository.common_dir,
      path,
      git_dir,
      branch,
      store: join(folder, "store"),
      zero: "0".repeat(repository.head.length),
    };
    const converts = await convertsContent(gitIn, repository, signal);
    // Where git converts content, a file that it wrote may differ from the user's in its line ends.
    if (converts) await copyAsTheyAre(begun.paths, repository.top, path);
    await makeStore(gitIn, repository, place, converts, signal);
    const leftOut = (await past?.fill({ top: path, root: rootIn(place) }, signal)) ?? begun.leftOut;
    const brought = await prepare(rootIn(place));
    const lines = brought.map((name) => `/${place.prefix}${name.replace(/[\\*?[\]#!]/g, "\\$&")}\n`);
    await writeFile(join(folder, "exclude"), lines.join(""), { mode: 0o600 });
    return { place, leftOut: [...leftOut] };
  } catch (cause) {
    await removeWorktree(gitIn, { top: repository.top, path, branch, store: join(folder, "store") });
    if (cause instanceof HearthError && cause.code === "git_failed") throw refused(cause.message, cause);
    if (cause instanceof Error && "code" in cause && /^E[A-Z]+$/.test(String(cause.code)))
      throw refused(whyUnwritable(cause), cause);
    throw cause;
  } finally {
    await rm(join(folder, "index"), { force: true });
  }
}

/** The folder in which the session works. */
export const rootIn = ({ path, prefix }: WorktreePlace): string =>
  prefix === "" ? path : join(path, prefix.slice(0, -1));

const refused = (why: string, cause?: unknown) =>
  new HearthError(
    "isolation_unavailable",
    `isolation: the worktree could not be made: ${why.replace(/\.$/, "")}.`,
    {
      details: { field: "isolation", reason: why },
      cause,
    },
  );

/** A branch named `hearth` leaves no room for `hearth/…`. */
async function branchFor(
  gitIn: GitIn,
  { top }: Repository,
  short: string,
  signal: AbortSignal,
): Promise<string> {
  const git = gitIn(top);
  const isTaken = async (ref: string) =>
    (await git({ args: ["show-ref", "--verify", "--quiet", `refs/heads/${ref}`] }, signal)).code === 0;
  const separator = (await isTaken("hearth")) ? "-" : "/";
  for (let count = 1; ; count += 1) {
    const name = `hearth${separator}${short}${count === 1 ? "" : `-${count}`}`;
    if (!(await isTaken(name))) return name;
  }
}

/** A commit of HEAD and the uncommitted state; HEAD itself where there is none. */
async function commitPresent(
  gitIn: GitIn,
  { top, git_dir, head }: Repository,
  settings: GitSettings,
  index: string,
  signal: AbortSignal,
): Promise<{ commit: string; paths: Buffer[]; leftOut: string[] }> {
  const git = gitIn(top);
  const env = { GIT_INDEX_FILE: index };
  const own = join(git_dir, "index");
  if (await exists(own)) await copyIndex(own, index);
  else await mustRun(git, "read HEAD", { args: ["read-tree", head], env }, signal);
  const options = { git, files: top, env, settings, zero: "0".repeat(head.length) };
  const { paths, leftOut } = await updateIndex(options, signal);
  const tree = await writeTree(options, signal);
  const before = textOf(await mustRun(git, "read HEAD", { args: ["rev-parse", `${head}^{tree}`] }, signal));
  if (tree === before) return { commit: head, paths, leftOut };
  const message = "hearth: the uncommitted state when the session began";
  const made = await mustName(
    git,
    "commit the uncommitted state",
    { args: ["commit-tree", tree, "-p", head, "-m", message], env: { ...env, ...hearthIdentity } },
    signal,
  );
  return { commit: made, paths, leftOut };
}

/**
 * The last commit of HEAD's history that is not later; the first one where all are. With a later one as its parent, a merge
 * of the worktree's branch would take back what was committed since.
 */
async function lastCommitUntil(
  gitIn: GitIn,
  { top, head }: Repository,
  at: string,
  signal: AbortSignal,
): Promise<string> {
  const git = gitIn(top);
  const found = await mustRun(
    git,
    "find the commit of that time",
    { args: ["rev-list", "-1", `--until=${at.replace(/\.\d+Z$/, "Z")}`, head, "--"] },
    signal,
  );
  if (found.length > 0) return textOf(found);
  const roots = await mustRun(
    git,
    "find the first commit",
    { args: ["rev-list", "--max-parents=0", head, "--"] },
    signal,
  );
  return textOf(roots).split("\n").at(-1) ?? head;
}

async function copyAsTheyAre(paths: readonly Buffer[], from: string, to: string) {
  for (const path of paths) {
    const source = pathIn(from, path);
    // Links and deleted files are as git made them.
    await copyFile(source, pathIn(to, path)).catch(() => {});
  }
}

/** The worktree's own store: it reads the repository's objects, and writes into itself only. */
async function makeStore(
  gitIn: GitIn,
  repository: Repository,
  { path, git_dir, store }: WorktreePlace,
  converts: boolean,
  signal: AbortSignal,
) {
  const objects = await objectsOf(gitIn, repository, signal);
  const git = gitIn(path);
  const args = ["init", "--quiet", "--bare", "--template=", `--object-format=${repository.format}`];
  // Whatever the umask, what git writes there is its user's alone.
  await mustRun(git, "make a store", { args: [...args, "--shared=0600", store] }, signal);
  for (const folder of ["info", "objects/info"])
    await mkdir(join(store, folder), { recursive: true, mode: 0o700 });
  const own = { mode: 0o600 };
  await writeFile(join(store, "info", "attributes"), rawAttributes, own);
  await writeFile(join(store, "objects", "info", "alternates"), `${JSON.stringify(objects)}\n`, own);
  // Git's own index knows the files that it has just written, unless their content was converted.
  if (!converts) return copyIndex(join(git_dir, "index"), join(store, "index"));
  await mustRun(
    git,
    "read the first state",
    { args: ["read-tree", "HEAD"], env: { GIT_INDEX_FILE: join(store, "index") } },
    signal,
  );
}

type Made = Pick<WorktreePlace, "top" | "path" | "branch" | "store"> & Partial<WorktreePlace>;

/** Removes a worktree with its branch and its store, whatever is still there of it. */
export async function removeWorktree(gitIn: GitIn, { top, path, branch, store, ...place }: Made) {
  const git = gitIn(top);
  const folder = dirname(store);
  const signal = AbortSignal.timeout(REMOVE_MS_MAX);
  const run = (...args: string[]) => git({ args }, signal).catch(() => undefined);
  await run("worktree", "remove", "--force", "--force", path);
  await rm(folder, { recursive: true, force: true });
  // Git does not remove one with submodules, nor one that is gone already. `prune` would remove the user's own, too.
  const { git_dir, common_dir } = place;
  if (git_dir !== undefined && common_dir !== undefined && dirname(git_dir) === join(common_dir, "worktrees"))
    await rm(git_dir, { recursive: true, force: true });
  await run("update-ref", "-d", `refs/heads/${branch}`);
  await run("update-ref", "-d", `refs/hearth-base/${basename(folder)}`);
}
