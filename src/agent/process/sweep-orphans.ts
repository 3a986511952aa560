import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { promisify } from "node:util";
import { endProcesses, findRelated } from "./end-processes.ts";
import { type RecordedGroup, readStoredRecords, type StoredRecords } from "./group-records.ts";
import { MARK_VARIABLE } from "./markers.ts";
import { bootId, type ProcessRow, readProcess, readProcesses, wasStartedWith } from "./process-table.ts";

const KILL_AFTER_MS = 2000;
/** `ps` shows start times in whole seconds. */
const START_SLACK_MS = 2000;

/**
 * Ends what dead daemons left running, from their records in `dir`; skips those of `ownMark`. Call it only while holding
 * the daemon's lock. A pid counts only with its start time, other processes only with the dead daemon's marker. Returns
 * the number of groups or processes. Usually the guardian did this within 2 s of the daemon's death.
 */
export async function sweepOrphans(dir: string, ownMark = ""): Promise<number> {
  const abandoned = readStoredRecords(dir).filter((left) => !left.isOwnerAlive && left.mark !== ownMark);
  const counts = await Promise.all(abandoned.map(endAbandoned));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function endAbandoned(records: StoredRecords): Promise<number> {
  let count = 0;
  if (records.boot === bootId()) {
    const groups: number[] = [];
    for (const group of records.groups) if (await isLeaderAlive(group)) groups.push(group.pid);
    const entry = `${MARK_VARIABLE}=${records.mark}`;
    const findStrays = (rows: readonly ProcessRow[]) =>
      findRelated(rows, new Set(groups), (row) => wasStartedWith(row.pid, [entry]));
    const strays = findStrays(await readProcesses());
    count = Math.max(groups.length, strays.length);
    if (count > 0 && !(await endProcesses({ groups, findStrays }, KILL_AFTER_MS))) return count;
  }
  rmSync(records.file, { force: true });
  return count;
}

/** Whether the recorded child is alive, which means that its group id was not reused. */
async function isLeaderAlive({ pid, start_ticks, spawned_at }: RecordedGroup): Promise<boolean> {
  if (start_ticks !== null) return readProcess(pid)?.startTicks === start_ticks;
  const startedAt = await startOf(pid);
  return startedAt !== undefined && Math.abs(startedAt - spawned_at) <= START_SLACK_MS;
}

/** Wall clock, ms, from `ps`. */
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
