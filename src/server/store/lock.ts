import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import { startTimeOf } from "../daemon/file.ts";
import { tryDaemonLock } from "../daemon/lock.ts";
import type { Log } from "../daemon/log.ts";
import { withPrivateUmask } from "../daemon/private-folders.ts";

/** A daemon that is asked to stop gives its runs 5 s and then closes. */
const HOLDER_MS_MAX = 15_000;
const PAUSE_MS = 100;

type Holder = { pid: number; pid_start_time: string };

/**
 * A second lock, beside the store. The first may lie below /tmp, where cleaners delete lock and socket of a running
 * daemon after days. Nobody could reach that daemon, and the next one would write to the same store. So the next one
 * stops it in order first. Returns the function that releases the lock.
 */
export async function takeStoreLock(dataDir: string, log: Log): Promise<() => void> {
  const lockFile = join(dataDir, "daemon.lock");
  const holderFile = join(dataDir, "daemon.pid");
  const deadline = performance.now() + HOLDER_MS_MAX;
  let isStopRequested = false;
  for (;;) {
    let lock: ReturnType<typeof tryDaemonLock>;
    try {
      lock = tryDaemonLock(lockFile);
    } catch (error) {
      // If the folder cannot be written, nobody writes to the store: there is nothing to guard.
      log.warn("the store's lock cannot be taken", { error });
      return () => {};
    }
    if (lock) {
      const own: Holder = { pid: process.pid, pid_start_time: startTimeOf(process.pid, process.platform) };
      try {
        withPrivateUmask(() => writeFileSync(holderFile, `${JSON.stringify(own)}\n`));
      } catch (error) {
        log.warn("who holds the store's lock cannot be written down", { error }); // the disk is full
      }
      return lock.release;
    }
    const holder = readHolder(holderFile);
    if (!isStopRequested && holder && isStill(holder)) {
      log.warn("a daemon without a socket holds the store and is told to stop", holder);
      process.kill(holder.pid, "SIGTERM");
      isStopRequested = true;
    }
    if (performance.now() > deadline) {
      const who = holder ? ` (pid ${holder.pid})` : "";
      throw new HearthError(
        "daemon_busy",
        `Another hearth daemon${who} holds the store in ${dataDir} and does not let go: end that process, then try again.`,
      );
    }
    await sleep(PAUSE_MS);
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value !== "object" || value === null || !("pid" in value) || !("pid_start_time" in value))
      return;
    const { pid, pid_start_time } = value;
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 1) return;
    return typeof pid_start_time === "string" ? { pid, pid_start_time } : undefined;
  } catch {
    return undefined; // no holder was recorded
  }
}

/** A pid counts only together with its start time. */
function isStill({ pid, pid_start_time }: Holder): boolean {
  try {
    return pid !== process.pid && startTimeOf(pid, process.platform) === pid_start_time;
  } catch {
    return false; // the process has exited
  }
}
