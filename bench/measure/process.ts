import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import { descendantsOf } from "../../test/support/processes.ts";

/** Wall time of a process from its start to its end, ms. Throws when it fails. */
export async function timeProcess(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  const [code] = (await once(child, "close")) as [number | null];
  const taken = performance.now() - began;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${said}`);
  return taken;
}

/** Proportional set size of a process and all that descend from it, MB. */
export function memoryOf(pid: number): number {
  const pids = [pid, ...descendantsOf(pid).map((found) => found.pid)];
  return pids.reduce((sum, each) => sum + pssOf(each), 0);
}

function pssOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it ended meanwhile, or this is no Linux
  }
}

/** How often the threads of a process woke up, a second, over so long. */
export async function wakesOf(pid: number, overMs: number): Promise<number> {
  const wakes = () =>
    readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
      return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    }, 0);
  const before = wakes();
  await pass(overMs);
  return ((wakes() - before) * 1000) / overMs;
}

const TICKS_PER_S = 100;

/** CPU time that a process and all that it started took so far, user and system, ms; without what others reaped. */
export function cpuOf(pid: number): number {
  const pids = [pid, ...descendantsOf(pid).map((found) => found.pid)];
  return pids.reduce((sum, each) => sum + ticksOf(each), 0) * (1000 / TICKS_PER_S);
}

function ticksOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything: utime, stime, and both of the children that it has reaped.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return 0; // it ended meanwhile: its parent has its time
  }
}
