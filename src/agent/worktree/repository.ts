import { access, realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import type { GitResult } from "../git/run-git.ts";
import { saidBy } from "../git/why-failed.ts";
import { type GitIn, mustRun, textOf } from "./git.ts";

export type Repository = {
  /** The top folder of the checkout; real path. */
  top: string;
  /** The workspace below it, with "/" at its end, or "". */
  prefix: string;
  /** Git's folder for this checkout, and the one that all worktrees share. */
  git_dir: string;
  common_dir: string;
  head: string;
  format: string;
};

const unavailable = (why: string) =>
  new HearthError("isolation_unavailable", `isolation: a worktree cannot be made here: ${why}.`, {
    details: { field: "isolation", reason: why },
  });

/** What stands in git's folder while something is going on. */
const underWay: readonly (readonly [string, string])[] = [
  ["MERGE_HEAD", "a merge is in progress; finish it or run `git merge --abort`"],
  ["rebase-merge", "a rebase is in progress; finish it or run `git rebase --abort`"],
  ["rebase-apply", "a rebase is in progress; finish it or run `git rebase --abort`"],
  ["CHERRY_PICK_HEAD", "a cherry-pick is in progress; finish it or run `git cherry-pick --abort`"],
  ["REVERT_HEAD", "a revert is in progress; finish it or run `git revert --abort`"],
];

function whyNoRepository(said: GitResult): string {
  if (/not a git repository/i.test(said.stderr)) return "the folder is not in a git repository";
  if (/dubious ownership/i.test(said.stderr))
    return "the repository belongs to another user; if you trust it, run `git config --global --add safe.directory` with its path";
  if (/must be run in a work tree/i.test(said.stderr)) return "the repository has no files of its own (bare)";
  return saidBy(said);
}

/** The repository that the folder is in. Throws isolation_unavailable with the reason. */
export async function findRepository(gitIn: GitIn, root: string, signal: AbortSignal): Promise<Repository> {
  const git = gitIn(root);
  const asked = ["--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--show-object-format"];
  const said = await git({ args: ["rev-parse", "--path-format=absolute", ...asked] }, signal).catch(
    (cause: unknown) => {
      if (!(cause instanceof HearthError)) throw cause;
      throw unavailable(cause.message.replace(/\.$/, ""));
    },
  );
  if (said.code !== 0) throw unavailable(whyNoRepository(said));
  const lines = textOf(said.stdout).split("\n");
  const [top, git_dir, common_dir, format] = lines;
  if (lines[0] === "--path-format=absolute") throw unavailable("git is too old; 2.31 is needed");
  if (lines.length < 4) throw unavailable("git gives no answer that makes sense; try `git status` there");
  if (lines.length > 4 || !top || !git_dir || !common_dir || !format)
    throw unavailable("its path holds a line break");
  const realTop = await realpath(top);
  const below = relative(realTop, await realpath(root));
  if (below.startsWith("..")) throw unavailable("the folder is not among the repository's files");
  const head = await git({ args: ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"] }, signal);
  if (head.code !== 0) throw unavailable("the repository has no commit yet; make a first one");
  for (const [name, why] of underWay) {
    if (await exists(join(git_dir, name))) throw unavailable(why);
  }
  return {
    top: realTop,
    prefix: below === "" ? "" : `${below}/`,
    git_dir,
    common_dir,
    head: textOf(head.stdout),
    format,
  };
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether git changes content between its store and the files: line ends, encodings, filters. */
export async function convertsContent(
  gitIn: GitIn,
  { top, common_dir, head }: Repository,
  signal: AbortSignal,
): Promise<boolean> {
  const git = gitIn(top);
  const set = await git(
    { args: ["config", "--get-regexp", "^core\\.(autocrlf|eol|attributesfile)$"] },
    signal,
  );
  if (set.stdout.length > 0 || (await exists(join(common_dir, "info", "attributes")))) return true;
  const args = ["ls-files", "-z", "-c", "-o", "--", ":(glob)**/.gitattributes"];
  const found = await git({ args }, signal);
  const committed = await git({ args: ["cat-file", "-e", `${head}:.gitattributes`] }, signal);
  return found.stdout.length > 0 || committed.code === 0;
}

/** Where git keeps the repository's objects; real path. */
export const objectsOf = async (gitIn: GitIn, { top }: Repository, signal: AbortSignal): Promise<string> =>
  realpath(
    textOf(
      await mustRun(
        gitIn(top),
        "find its objects",
        { args: ["rev-parse", "--path-format=absolute", "--git-path", "objects"] },
        signal,
      ),
    ),
  );
