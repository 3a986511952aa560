import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

/** One line of the system's process table. */
export type ProcessRow = {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Start time in clock ticks since boot. Together with the pid it identifies the process. */
  startTicks: string;
  /** Dead, but not yet collected by its parent. */
  isZombie: boolean;
};

/** Processes read before yielding to the event loop; each takes about 20 µs. */
const ROWS_PER_TURN = 64;

/** Every process of the machine; empty without /proc. */
export async function readProcesses(): Promise<ProcessRow[]> {
  const rows: ProcessRow[] = [];
  for (const [index, pid] of livePids().entries()) {
    if (index % ROWS_PER_TURN === ROWS_PER_TURN - 1) await nextTurn();
    const row = readProcess(pid);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** undefined when there is no such process, or no /proc. */
export function readProcess(pid: number): ProcessRow | undefined {
  const stat = readProc(pid, "stat")?.toString("latin1");
  if (stat === undefined) return undefined;
  // The second field is the name in brackets, which may itself contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, session] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks,
    isZombie: state === "Z" || state === "X",
  };
}

/** Whether a process was started with every one of these `NAME=value` entries in its environment. */
export function wasStartedWith(pid: number, entries: readonly string[]): boolean {
  const environment = readProc(pid, "environ");
  if (environment === undefined || entries.some((entry) => !environment.includes(entry))) return false;
  const present = new Set(environment.toString("utf8").split("\0"));
  return entries.every((entry) => present.has(entry));
}

/** Identifies the machine's current boot: pids and start times are valid only within one. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return ""; // not Linux: start times are compared by wall clock, which does not repeat
  }
}

function livePids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return []; // macOS has no /proc
  }
}

function readProc(pid: number, file: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined; // it has ended, or belongs to another user
  }
}
