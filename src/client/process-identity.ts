import { readFileSync } from "node:fs";
import type { DaemonFile } from "../protocol/daemon-file.ts";

/** A process's start time, in the form of `DaemonFile.pid_start_time`; undefined if there is no such process. */
export function startTimeOf(pid: number, platform: string): string | undefined {
  try {
    if (platform !== "linux") {
      // Not imported at the top: Linux does not need it.
      const { execFileSync } = process.getBuiltinModule("node:child_process");
      const time = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
      return time.trim() || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command's name in brackets, which may itself contain brackets and spaces.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Dead, but not yet collected by its parent; in a container that may never happen.
    if (state === "Z" || state === "X") return undefined;
    return fields[18];
  } catch {
    return undefined; // no such process
  }
}

/** Whether the process that wrote `file` is alive. The start time detects a reused pid. */
export const isAlive = (file: DaemonFile, platform: string): boolean =>
  startTimeOf(file.pid, platform) === file.pid_start_time;
