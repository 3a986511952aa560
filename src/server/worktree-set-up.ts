import { inOneLine } from "../agent/hearth-note.ts";
import type { ProcessSupervisor } from "../agent/process/types.ts";
import { bringFiles } from "../agent/worktree/bring-files.ts";
import { runSetUp } from "../agent/worktree/set-up.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId } from "../protocol/ids.ts";
import type { Log } from "./daemon/log.ts";
import type { Environments } from "./environments.ts";
import type { SessionContainers } from "./session-containers.ts";
import type { WorkspaceSettings } from "./workspace-settings.ts";
import type { NewPlace } from "./worktrees.ts";

type SetUpDeps = {
  settings: WorkspaceSettings;
  environments: Environments;
  processes: ProcessSupervisor;
  containers: Pick<SessionContainers, "of" | "ready">;
  log: Log;
  /** What its agent should know of the worktree. */
  tellAgent(sid: SessionId, text: string): void;
};

/** Fills a new worktree with what the configuration names, and runs its set-up command: a project's only where trusted. */
export function createWorktreeSetUp({
  settings,
  environments,
  processes,
  containers,
  log,
  tellAgent,
}: SetUpDeps) {
  return async ({ wid, sid, from, to }: NewPlace, signal: AbortSignal): Promise<readonly string[]> => {
    const { worktree = {} } = settings.orDefaults(wid).config;
    const { paths, problems } = await bringFiles(from, to, worktree);
    for (const problem of problems) {
      log.warn(problem, { session: sid });
      tellAgent(sid, `The worktree lacks what the configuration names: ${inOneLine(problem)}`);
    }
    const project = settings.trust
      .trusted(wid)
      .flatMap(({ what }) => (what.kind === "worktree_setup" ? [what.command] : []));
    const command = project[0] ?? worktree.setup;
    if (command === undefined) return paths;
    const env = environments.forTools(wid, null, undefined);
    await containers.ready(wid, sid, to, signal);
    const setUp = { command, root: to, env, owner: sid, container: containers.of(sid) };
    const failed = await runSetUp(processes, setUp, signal);
    // What it left running there would keep the container.
    if (setUp.container !== undefined) await processes.stopOwner(sid);
    if (failed !== undefined)
      throw new HearthError("isolation_unavailable", failed, { details: { field: "isolation" } });
    return paths;
  };
}
