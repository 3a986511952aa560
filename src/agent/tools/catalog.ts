import { createWorkerPool, type WorkerPool } from "../worker/pool.ts";
import { createEditTool } from "./edit-file.ts";
import { reportingFailures } from "./failure.ts";
import { createGlobTool } from "./find-files.ts";
import { listTool } from "./list-folder.ts";
import { readTool } from "./read-file.ts";
import { createRipgrep, type Ripgrep } from "./ripgrep.ts";
import { type BashOptions, createBashTool } from "./run-command.ts";
import { createGrepTool } from "./search-text.ts";
import type { Tool } from "./tool.ts";
import { createWriteTool } from "./write-file.ts";

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
  ];
}
