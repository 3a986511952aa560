import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { promisify } from "node:util";
import { endProcesses, findKin } from "./end-processes.ts";
import { type LeftRecords, type RecordedGroup, readLeftRecords } from "./group-records.ts";
import { MARK_VARIABLE } from "./markers.ts";
import { bootId, type ProcessRow, readProcess, readProcesses, wasStartedWith } from "./process-table.ts";

const KILL_AFTER_MS = 2000;
/** `ps` tells whole seconds. */
const START_SLACK_MS = 2000;

/**
 * Ends what daemons that died left running, by what they recorded in `dir`; `ownMark` is spared. For a daemon
 * that has just started and holds the lock. A pid counts only with its start time, other processes only with the
 * dead daemon's marker. Answers how many groups or processes there were. The guardian does this within 2 s of the
 * death: here is what it missed, or what it is at.
 */
export async function sweepOrphans(dir: string, ownMark = ""): Promise<number> {
  const abandoned = readLeftRecords(dir).filter((left) => !left.isOwnerAlive && left.mark !== ownMark);
  const counts = await Promise.all(abandoned.map(endAbandoned));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function endAbandoned(records: LeftRecords): Promise<number> {
  let count = 0;
  if (records.boot === bootId()) {
    const groups: number[] = [];
    for (const group of records.groups) if (await isStillLed(group)) groups.push(group.pid);
    const entry = `${MARK_VARIABLE}=${records.mark}`;
    const findStrays = (rows: readonly ProcessRow[]) =>
      findKin(rows, new Set(groups), (row) => wasStartedWith(row.pid, [entry]));
    const strays = findStrays(await readProcesses());
    count = Math.max(groups.length, strays.length);
    if (count > 0 && !(await endProcesses({ groups, findStrays }, KILL_AFTER_MS))) return count;
  }
  rmSync(records.file, { force: true });
  return count;
}

/** Whether the child that the record means is alive, and with it the number of its group is still its own. */
async function isStillLed({ pid, start_ticks, spawned_at }: RecordedGroup): Promise<boolean> {
  if (start_ticks !== null) return readProcess(pid)?.startTicks === start_ticks;
  const startedAt = await startOf(pid);
  return startedAt !== undefined && Math.abs(startedAt - spawned_at) <= START_SLACK_MS;
}

/** Wall clock, ms, as `ps` tells it. */
async function startOf(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    });
    const time = Date.parse(stdout.trim());
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined; // no such process
  }
}
