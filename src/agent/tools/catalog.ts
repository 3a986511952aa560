import { createWorkerPool, type WorkerPool } from "../worker/pool.ts";
import { type BashOptions, createBashTool } from "./command/run-command.ts";
import { reportingFailures } from "./failure.ts";
import { createEditTool } from "./files/edit-file.ts";
import { listTool } from "./files/list-folder.ts";
import { readTool } from "./files/read-file.ts";
import { createWriteTool } from "./files/write-file.ts";
import { createGlobTool } from "./search/find-files.ts";
import { createRipgrep, type Ripgrep } from "./search/ripgrep.ts";
import { createGrepTool } from "./search/search-text.ts";
import { askTool } from "./session/ask-person.ts";
import { planTool } from "./session/update-plan.ts";
import type { Tool } from "./tool.ts";

export type ToolsOptions = {
  bash?: BashOptions | undefined;
  ripgrep?: Ripgrep | undefined;
  workers?: WorkerPool | undefined;
};

/**
 * The tools of the native agent, one set for all sessions. The order is fixed, so that prompt caches stay valid. Whoever
 * ends a run must call `processes.stopOwner(run_id)`, which ends its background jobs.
 */
export function createTools({
  bash = {},
  ripgrep = createRipgrep(),
  workers = createWorkerPool(),
}: ToolsOptions = {}): readonly Tool[] {
  return [
    reportingFailures(readTool),
    reportingFailures(createWriteTool(workers)),
    reportingFailures(createEditTool(workers)),
    reportingFailures(listTool),
    reportingFailures(createGlobTool(ripgrep)),
    reportingFailures(createGrepTool(ripgrep)),
    reportingFailures(createBashTool(bash)),
    reportingFailures(planTool),
    reportingFailures(askTool),
  ];
}
