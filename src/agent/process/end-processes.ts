import { sleep } from "../../async/wait.ts";
import { type ProcessRow, readProcesses } from "./process-table.ts";

/** The processes to end: groups, and what `findStrays` finds (called again until it finds nothing). */
export type EndTargets = {
  groups: readonly number[];
  findStrays?: (rows: readonly ProcessRow[]) => readonly ProcessRow[];
};

/** How long to wait for a process that the kernel keeps after SIGKILL (a dead network disk). */
const AFTER_KILL_MS = 3000;
const POLL_MS_MIN = 4;
const POLL_MS_MAX = 50;
/** kill(2) reports a group of uncollected zombies (a container without an init) as alive, so read the table now and then. */
const ROUNDS_PER_TABLE = 4;

/**
 * Sends SIGTERM, then SIGKILL after `killAfterMs`. Resolves with true when all are dead, with false when something
 * survived SIGKILL.
 */
export async function endProcesses(
  { groups, findStrays }: EndTargets,
  killAfterMs: number,
): Promise<boolean> {
  const beganAt = performance.now();
  const signaled = new Set<string>();
  for (const group of groups) {
    signalProcess(-group, "SIGTERM");
    signalProcess(-group, "SIGCONT"); // a stopped process would sleep through the rest
  }
  for (let round = 0, pauseMs = POLL_MS_MIN; ; round++, pauseMs = Math.min(pauseMs * 1.5, POLL_MS_MAX)) {
    const elapsed = performance.now() - beganAt;
    const isForced = elapsed >= killAfterMs;
    const present = groups.filter(groupExists);
    if (isForced) for (const group of present) signalProcess(-group, "SIGKILL");
    // Reading the process table is expensive: done only now and then before SIGKILL.
    const areStraysDue = findStrays !== undefined && (round === 0 || present.length === 0);
    const isTableNeeded = isForced || areStraysDue || round % ROUNDS_PER_TABLE === ROUNDS_PER_TABLE - 1;
    if (!isTableNeeded && present.length === 0) return true;
    if (isTableNeeded) {
      const rows = await readProcesses();
      const strays = (findStrays?.(rows) ?? []).filter((row) => row.pid !== process.pid && !row.isZombie);
      for (const stray of strays) {
        const identity = `${stray.pid} ${stray.startTicks}`;
        if (isForced) signalProcess(stray.pid, "SIGKILL");
        else if (!signaled.has(identity)) signalProcess(stray.pid, "SIGTERM");
        signaled.add(identity);
      }
      if (strays.length === 0 && !present.some((group) => hasLivingMember(group, rows))) return true;
    }
    if (elapsed >= killAfterMs + AFTER_KILL_MS) return false;
    await sleep(pauseMs);
  }
}

/** Also true for a group of uncollected zombies. */
export function groupExists(group: number): boolean {
  return signalProcess(-group, 0);
}

/** All processes in these groups or sessions, all that are marked, and their descendants. */
export function findRelated(
  rows: readonly ProcessRow[],
  groups: ReadonlySet<number>,
  isMarked: (row: ProcessRow) => boolean,
): ProcessRow[] {
  const related = new Map<number, ProcessRow>();
  const childrenOf = Map.groupBy(rows, (row) => row.parent);
  const add = (row: ProcessRow) => {
    if (related.has(row.pid)) return;
    related.set(row.pid, row);
    for (const child of childrenOf.get(row.pid) ?? []) add(child);
  };
  for (const row of rows) if (groups.has(row.group) || groups.has(row.session) || isMarked(row)) add(row);
  return [...related.values()];
}

function hasLivingMember(group: number, rows: readonly ProcessRow[]): boolean {
  if (rows.length === 0) return groupExists(group); // no /proc to ask
  return rows.some((row) => row.group === group && !row.isZombie);
}

/** false when there is no such process. */
function signalProcess(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // EPERM: a process of another user (sudo), or on macOS a group of zombies. hearth need not wait for either.
    if (isErrno(error, "ESRCH") || isErrno(error, "EPERM")) return false;
    throw error;
  }
}

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
