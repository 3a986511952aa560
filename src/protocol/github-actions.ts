import type { Launcher } from "./launcher.ts";

/** The task's folder travels on a branch of the repository's own remote, which is there as long as the task lasts. */
const place = `cd "$HEARTH_WORKSPACE" || exit
url=$(git remote get-url --push "\${HEARTH_REMOTE:-origin}") || exit
branch="refs/heads/hearth-task/$HEARTH_TASK" workflow="\${HEARTH_WORKFLOW:-hearth-task.yml}"
`;
/** Whoever pushes has hooks, and signs, for their own commits. */
const GIT = `git -C "$HEARTH_TASK_DIR" -c core.hooksPath=/dev/null -c commit.gpgSign=false -c user.name=hearth -c user.email=hearth@localhost`;
const forget = `git push -q "$url" ":$branch" 2>/dev/null || :`;

/** A run of the workflow that `docs/engines.md` describes, by GitHub's own `gh`. */
export const githubActions: Launcher = {
  // The answer of a dispatch names no run: it is found by the task's id in its title.
  submit: `${place}{
  git init -q "$HEARTH_TASK_DIR" && ${GIT} add -A -f &&
  ${GIT} commit -q --no-verify -m "A task of hearth" && ${GIT} push -q --no-verify "$url" "HEAD:$branch" || exit
  gh workflow run "$workflow" -f id="$HEARTH_TASK" || { ${forget}; exit 1; }
} >&2
left=60
until job=$(gh run list --workflow "$workflow" --event workflow_dispatch --limit 50 --json databaseId,displayTitle \\
    --jq ".[] | select(.displayTitle == \\"hearth $HEARTH_TASK\\") | .databaseId") && [ -n "$job" ]; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || { ${forget}
    echo "GitHub took the task and shows no run named hearth $HEARTH_TASK" >&2; exit 1; }
  sleep 2
done
echo "$job"`,
  // A run that has ended has no more use for the branch, whether or not it has left a result.
  wait: `${place}gh run watch "$HEARTH_JOB" --interval 15 >/dev/null || exit
${forget}`,
  logs: `${place}gh run view "$HEARTH_JOB" --log`,
  fetch: `${place}gh run download "$HEARTH_JOB" --name hearth-result --dir "$HEARTH_RESULT_DIR" >&2`,
  cancel: `${place}gh run cancel "$HEARTH_JOB" >&2; code=$?
${forget}; exit "$code"`,
};
