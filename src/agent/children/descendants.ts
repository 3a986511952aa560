import { readFileSync } from "node:fs";
import { endProcesses } from "../process/end-processes.ts";
import { OWNER_VARIABLE } from "../process/markers.ts";
import { type ProcessRow, wasStartedWith } from "../process/process-table.ts";

const KILL_AFTER_MS = 2000;
/** The unit of process start times in /proc; fixed on Linux. */
const TICKS_PER_SECOND = 100;

/** Ends the descendants that a process has started since then, also those that left its group or lost their parent. */
export async function endDescendants(of: { pid: number; owner: string; since: number }): Promise<void> {
  const sinceTicks = ticksAt(of.since);
  if (sinceTicks === undefined) return; // no /proc: they cannot be found
  const isYoung = (row: ProcessRow) => Number(row.startTicks) >= sinceTicks && !row.isZombie;
  const isOrphan = (row: ProcessRow) =>
    row.parent === 1 && wasStartedWith(row.pid, [`${OWNER_VARIABLE}=${of.owner}`]);
  const findStrays = (rows: readonly ProcessRow[]): ProcessRow[] => {
    const below = descendantsOf(rows, of.pid);
    return rows.filter((row) => row.pid !== of.pid && isYoung(row) && (below.has(row.pid) || isOrphan(row)));
  };
  await endProcesses({ groups: [], findStrays }, KILL_AFTER_MS);
}

function descendantsOf(rows: readonly ProcessRow[], pid: number): Set<number> {
  const childrenOf = Map.groupBy(rows, (row) => row.parent);
  const found = new Set<number>();
  const add = (parent: number) => {
    for (const { pid: child } of childrenOf.get(parent) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      add(child);
    }
  };
  add(pid);
  return found;
}

/** A wall clock time as ticks since boot. */
function ticksAt(time: number): number | undefined {
  try {
    const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
    return Math.floor((uptime - (Date.now() - time) / 1000) * TICKS_PER_SECOND);
  } catch {
    return undefined;
  }
}
