import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import { startTimeOf } from "../daemon/file.ts";
import { tryDaemonLock } from "../daemon/lock.ts";
import type { Log } from "../daemon/log.ts";
import { withPrivateUmask } from "../daemon/private-folders.ts";

/** A daemon that is isStopRequested to stop may take 5 s for its runs and some more to close. */
const HOLDER_MS_MAX = 15_000;
const PAUSE_MS = 100;

type Holder = { pid: number; pid_start_time: string };

/**
 * The second lock, beside the store. The first stands in a folder that may be below /tmp, and what cleans /tmp
 * after days takes lock and socket from under a living daemon: nobody can reach it, and the next one would write
 * to the same store. The next one ends it in order instead. Returns what lets go.
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
      // A folder that cannot be written holds a store that nobody writes to: there is nothing to guard.
      log.warn("the store's lock cannot be taken", { error });
      return () => {};
    }
    if (lock) {
      const own: Holder = { pid: process.pid, pid_start_time: startTimeOf(process.pid, process.platform) };
      try {
        withPrivateUmask(() => writeFileSync(holderFile, `${JSON.stringify(own)}\n`));
      } catch (error) {
        log.warn("who holds the store's lock cannot be written down", { error }); // a full disk
      }
      return lock.release;
    }
    const holder = readHolder(holderFile);
    if (!isStopRequested && holder && isStill(holder)) {
      log.warn("a daemon without a socket holds the store and is isStopRequested to stop", holder);
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
    return undefined; // nobody wrote it down
  }
}

/** A pid is believed only with its start time. */
function isStill({ pid, pid_start_time }: Holder): boolean {
  try {
    return pid !== process.pid && startTimeOf(pid, process.platform) === pid_start_time;
  } catch {
    return false; // it is gone
  }
}
