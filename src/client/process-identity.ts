import { readFileSync } from "node:fs";
import type { DaemonFile } from "../protocol/daemon-file.ts";

/** When a process began, in the words of `DaemonFile.pid_start_time`; undefined when there is none of that pid. */
export function startTimeOf(pid: number, platform: string): string | undefined {
  try {
    if (platform !== "linux") {
      // Not imported: on Linux nobody needs it.
      const { execFileSync } = process.getBuiltinModule("node:child_process");
      const time = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
      return time.trim() || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command's name in brackets and may hold anything, brackets and blanks too.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Dead, and only not yet collected by a parent, which in a container may never happen.
    if (state === "Z" || state === "X") return undefined;
    return fields[18];
  } catch {
    return undefined; // no such process
  }
}

/** Whether the process that wrote `file` still lives; a pid that another process has since got is not believed. */
export const isAlive = (file: DaemonFile, platform: string): boolean =>
  startTimeOf(file.pid, platform) === file.pid_start_time;
