import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { inTime } from "../../async/wait.ts";

/** Linux has ignored the limit of file locks since 2.4, so lowering it changes nothing for the programs. */
const limitPattern = /^Max file locks\s+\S+\s+(\S+)/m;
/** Far above what anybody sets; every daemon inside another one's children goes one lower. */
const HIGHEST = 2 ** 48;
const PRLIMIT_MS_MAX = 2_000;

/**
 * The hard limit of file locks of a process; Infinity when there is none, undefined when it cannot be read. Also works for
 * processes of other users.
 */
export function lockLimitOf(pid: number): number | undefined {
  try {
    const found = limitPattern.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
    return found === undefined ? undefined : found === "unlimited" ? Number.POSITIVE_INFINITY : Number(found);
  } catch {
    return undefined; // it has ended, or there is no /proc
  }
}

/**
 * Lowers this process's hard limit of file locks. Children inherit it whatever they do to their environment, group,
 * session or parent, and only root can raise it again: so it tells who was started by this daemon. Returns the new limit;
 * undefined when it could not be set.
 */
export async function markByLimit(): Promise<number | undefined> {
  const present = lockLimitOf(process.pid);
  if (present === undefined) return undefined;
  const wanted = Math.min(present, HIGHEST) - 1;
  const { promise, resolve } = Promise.withResolvers<void>();
  const child = spawn("prlimit", ["--pid", String(process.pid), `--locks=${wanted}:${wanted}`], {
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    stdio: "ignore",
  });
  child.once("error", () => resolve()).once("exit", () => resolve());
  await inTime(promise, PRLIMIT_MS_MAX, "prlimit").catch(() => child.kill("SIGKILL"));
  return lockLimitOf(process.pid) === wanted ? wanted : undefined;
}
