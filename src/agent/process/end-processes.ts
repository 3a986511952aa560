import { sleep } from "../../async/wait.ts";
import { type ProcessRow, readProcesses } from "./process-table.ts";

/** What is to be ended: process groups, and whoever else `findStrays` finds (asked again until it finds none). */
export type Quarry = {
  groups: readonly number[];
  findStrays?: (rows: readonly ProcessRow[]) => readonly ProcessRow[];
};

/** What the kernel itself does not let go of after SIGKILL (a dead network disk) is not waited for longer. */
const AFTER_KILL_MS = 3000;
const POLL_MS_MIN = 4;
const POLL_MS_MAX = 50;
/** A group of zombies that nobody collects (a container without an init) looks alive to kill(2). */
const ROUNDS_PER_TABLE = 4;

/**
 * SIGTERM, SIGKILL after `killAfterMs`; resolves when nothing of the quarry is alive, true, or when something
 * outlived even SIGKILL, false.
 */
export async function endProcesses({ groups, findStrays }: Quarry, killAfterMs: number): Promise<boolean> {
  const beganAt = performance.now();
  const told = new Set<string>();
  for (const group of groups) {
    signalProcess(-group, "SIGTERM");
    signalProcess(-group, "SIGCONT"); // a stopped process would sleep through the rest
  }
  for (let round = 0, pauseMs = POLL_MS_MIN; ; round++, pauseMs = Math.min(pauseMs * 1.5, POLL_MS_MAX)) {
    const elapsed = performance.now() - beganAt;
    const isForced = elapsed >= killAfterMs;
    const present = groups.filter(groupExists);
    if (isForced) for (const group of present) signalProcess(-group, "SIGKILL");
    // Reading the process table is the dear part: done now and then while a group is still being asked nicely.
    const areStraysDue = findStrays !== undefined && (round === 0 || present.length === 0);
    const isTableNeeded = isForced || areStraysDue || round % ROUNDS_PER_TABLE === ROUNDS_PER_TABLE - 1;
    if (!isTableNeeded && present.length === 0) return true;
    if (isTableNeeded) {
      const rows = await readProcesses();
      const strays = (findStrays?.(rows) ?? []).filter((row) => row.pid !== process.pid && !row.isZombie);
      for (const stray of strays) {
        const identity = `${stray.pid} ${stray.startTicks}`;
        if (isForced) signalProcess(stray.pid, "SIGKILL");
        else if (!told.has(identity)) signalProcess(stray.pid, "SIGTERM");
        told.add(identity);
      }
      if (strays.length === 0 && !present.some((group) => hasLivingMember(group, rows))) return true;
    }
    if (elapsed >= killAfterMs + AFTER_KILL_MS) return false;
    await sleep(pauseMs);
  }
}

/** Also true of a group of zombies that nobody collects. */
export function groupExists(group: number): boolean {
  return signalProcess(-group, 0);
}

/** Every process of these groups or their sessions, every one that `isMarked`, and all that descend from them. */
export function findKin(
  rows: readonly ProcessRow[],
  groups: ReadonlySet<number>,
  isMarked: (row: ProcessRow) => boolean,
): ProcessRow[] {
  const kin = new Map<number, ProcessRow>();
  const childrenOf = Map.groupBy(rows, (row) => row.parent);
  const add = (row: ProcessRow) => {
    if (kin.has(row.pid)) return;
    kin.set(row.pid, row);
    for (const child of childrenOf.get(row.pid) ?? []) add(child);
  };
  for (const row of rows) if (groups.has(row.group) || groups.has(row.session) || isMarked(row)) add(row);
  return [...kin.values()];
}

function hasLivingMember(group: number, rows: readonly ProcessRow[]): boolean {
  if (rows.length === 0) return groupExists(group); // no /proc to ask
  return rows.some((row) => row.group === group && !row.isZombie);
}

/** False when there is nobody (left) to signal. */
function signalProcess(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // EPERM is a process of another user's (sudo), or on macOS a group of zombies: nothing of ours to wait for.
    if (isErrno(error, "ESRCH") || isErrno(error, "EPERM")) return false;
    throw error;
  }
}

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
