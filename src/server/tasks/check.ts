import type { SessionContainer } from "../../agent/backend.ts";
import type { ProcessSupervisor } from "../../agent/process/types.ts";
import { createOutputFolder } from "../../agent/tools/command/output-folder.ts";
import { startCommand } from "../../agent/tools/command/start-command.ts";
import { orAborted } from "../../async/wait.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { TaskCheck } from "../../protocol/task.ts";

/** Of a check's output its end is kept: that says how it went. */
const OUTPUT_CHARS_MAX = 4000;

type Check = {
  command: string;
  /** Where it runs. Throws if the folder is gone. */
  root(): string | Promise<string>;
  run_id: RunId;
  env: Record<string, string>;
  container: SessionContainer | undefined;
  timeoutMs: number;
};

/** Runs a person's command on what an entry left, as `!` would: unasked, in the person's environment. Never throws. */
export async function runCheck(
  { command, root, run_id, env, container, timeoutMs }: Check,
  processes: ProcessSupervisor,
  signal: AbortSignal,
): Promise<TaskCheck> {
  const began = performance.now();
  const owner = `check ${run_id}`;
  const durationMs = () => Math.round(performance.now() - began);
  try {
    signal.throwIfAborted();
    const cwd = await root();
    const folder = createOutputFolder();
    const request = { command, cwd: { real: cwd, shown: "" }, timeoutMs, owner, onText: () => {} };
    const job = await startCommand(request, folder, { processes, env, run_id, container });
    const end = await orAborted(job.ended, signal);
    const outcome = end.isTimedOut ? "timeout" : end.code === 0 ? "passed" : "failed";
    const exit_code = end.isTimedOut ? null : end.code;
    return { command, exit_code, outcome, output: tailOf(job.output.text()), duration_ms: durationMs() };
  } catch (error) {
    const outcome = signal.aborted ? "canceled" : "failed";
    const output = signal.aborted
      ? ""
      : `It could not be started: ${error instanceof Error ? error.message : error}`;
    return { command, exit_code: null, outcome, output, duration_ms: durationMs() };
  } finally {
    await processes.stopOwner(owner);
  }
}

const tailOf = (output: string): string =>
  output.length <= OUTPUT_CHARS_MAX ? output : output.slice(-OUTPUT_CHARS_MAX).toWellFormed();
