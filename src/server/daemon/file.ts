import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readProcess } from "../../agent/process/process-table.ts";
import { type DaemonFile, parseDaemonFile } from "../../protocol/daemon-file.ts";
import { HearthError } from "../../protocol/errors.ts";

/**
 * Writes where this daemon can be reached. Readers see the old file or the new one, never half of it. Throws
 * HearthError store_unavailable.
 */
export function writeDaemonFile(path: string, file: DaemonFile): void {
  const temporary = `${path}.${file.pid}`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const message = `${path} cannot be written (${code}): make room for it, or set HEARTH_HOME to another folder.`;
    throw new HearthError("store_unavailable", message, { cause });
  }
}

/** Removes the file if it is the one that this daemon wrote. */
export function removeDaemonFile(path: string, own: DaemonFile): void {
  try {
    const found = parseDaemonFile(readFileSync(path, "utf8"));
    if (found?.pid === own.pid && found.started_at === own.started_at) rmSync(path);
  } catch {
    // already removed
  }
}

/** When a process started, in the format of `DaemonFile.pid_start_time`. Throws if there is no such process. */
export function startTimeOf(pid: number, platform: string): string {
  if (platform !== "linux") {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  }
  const found = readProcess(pid);
  if (found === undefined) throw new Error(`there is no process ${pid}`);
  return found.startTicks;
}
