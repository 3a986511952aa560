import { publicChange } from "../agent/worktree/change-row.ts";
import { firstStateOf } from "../agent/worktree/commit.ts";
import type { GitIn } from "../agent/worktree/git.ts";
import { HearthError } from "../protocol/errors.ts";
import { plural } from "../protocol/plural.ts";
import type { Store } from "./store/open.ts";
import type { WorktreeRow } from "./store/worktrees.ts";

type Worktree = { gitIn: GitIn; row: WorktreeRow };

/** Throws changes_pending with what would be lost if the worktree were removed. */
export async function mustLoseNothing(store: Store, worktree: Worktree, signal: AbortSignal): Promise<void> {
  const { session_id, place } = worktree.row;
  const pending = store.changes.ofSession(session_id).filter(({ state }) => state === "pending");
  const commits = await ownCommits(worktree, signal);
  if (pending.length === 0 && commits === 0) return;
  const what = [
    ...(pending.length === 0 ? [] : [plural(pending.length, "file that waits", "files that wait")]),
    ...(commits === 0
      ? []
      : [`${plural(commits, "commit", "commits")} on ${place.branch} that no other branch has`]),
  ].join(" and ");
  throw new HearthError(
    "changes_pending",
    `This session has ${what}. Apply or reject them first, or delete it with force.`,
    {
      details: {
        pending: pending.length,
        paths: pending.slice(0, 100).map((row) => publicChange(row, place.prefix).path),
        commits,
        branch: place.branch,
      },
    },
  );
}

/** Commits that are on its branch only, besides the first state. */
async function ownCommits({ gitIn, row: { place } }: Worktree, signal: AbortSignal): Promise<number> {
  const first = firstStateOf(place);
  const args = ["rev-list", "--count", `refs/heads/${place.branch}`, `^${first}`];
  const others = [`--exclude=${place.branch}`, "--branches", "--remotes", "--tags"];
  const said = await gitIn(place.top)({ args: [...args, "--not", ...others] }, signal).catch(() => undefined);
  return said?.code === 0 ? Number(said.stdout.toString()) : 0;
}
