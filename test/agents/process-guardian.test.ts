import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { sweepOrphans } from "../../src/agent/process/sweep-orphans.ts";
import { eventually } from "../support/happenings.ts";

const isLinux = process.platform === "linux";
const source = join(import.meta.dirname, "../../src/agent/process/supervisor.ts");

/** Says three pids: a loop deaf to TERM in the group, another that left the group, and the group's leader. */
const family = `
  (trap "" TERM; echo $BASHPID; while :; do sleep 0.05; done) &
  ${isLinux ? "setsid" : ""} bash -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done' &
  echo $$
  wait`;

type Daemon = { daemon: ChildProcess; pids: number[]; dir: string };

/** A daemon's stand-in: a Node process of its own that starts the family above through a supervisor. */
async function startDaemon(): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), "hearth-guardian-"));
  const program = `
    const { createProcessSupervisor } = await import(${JSON.stringify(source)});
    const supervisor = createProcessSupervisor({ recordDir: ${JSON.stringify(dir)} });
    const child = await supervisor.spawn({ command: ["bash", "--norc", "-c", ${JSON.stringify(family)}],
      cwd: "/", env: { PATH: process.env.PATH }, owner: "run_one" });
    child.stdout.pipe(process.stdout);
    setInterval(() => {}, 1000);`;
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    daemon.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });
  const pids: number[] = [];
  for await (const line of createInterface({ input: daemon.stdout }))
    if (pids.push(Number(line)) === 3) break;
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  return { daemon, pids, dir };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // Where nobody collects the dead, a killed process stays in the table as a zombie.
    return !isLinux || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** Resolves when all of them are gone. How soon that is belongs to the measurements: here the machine may be busy. */
const goneAll = (pids: readonly number[]) =>
  eventually(() => !pids.some(isAlive), `the end of ${pids.join(" ")}`);

/** By the marker that it was told, as the daemon recorded it. */
function guardianOf(dir: string): number | undefined {
  const [name] = readdirSync(dir).filter((entry) => entry.startsWith("children-"));
  const mark = name?.slice("children-".length, -".jsonl".length) ?? "none";
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  const found = pids.find((pid) => {
    const line = commandLineOf(pid);
    return line.includes("hearth-guardian") && line.includes(mark);
  });
  return found === undefined ? undefined : Number(found);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}

test("after kill -9 of the daemon nothing of its children stays alive", async () => {
  const { daemon, pids } = await startDaemon();
  daemon.kill("SIGKILL");
  await goneAll(pids);
});

test.runIf(isLinux)("the guardian goes as well, and holds none of the daemon's pipes", async () => {
  const { daemon, pids, dir } = await startDaemon();
  const guardian = guardianOf(dir);
  if (guardian === undefined) throw new Error("there is no guardian");
  const links = readdirSync(`/proc/${guardian}/fd`).map(Number);
  expect(links.filter((fd) => fd < 16).sort()).toEqual([0, 1, 2]);
  daemon.kill("SIGKILL");
  await goneAll([...pids, guardian]);
});

test.runIf(isLinux)("a guardian that was killed is replaced, and the new one knows the groups", async () => {
  const { daemon, pids, dir } = await startDaemon();
  const first = guardianOf(dir);
  if (first === undefined) throw new Error("there is no guardian");
  process.kill(first, "SIGKILL");
  while ([undefined, first].includes(guardianOf(dir))) await wait(10);
  daemon.kill("SIGKILL");
  await goneAll(pids);
});

test.runIf(isLinux)("the next daemon ends what daemon and guardian left behind", async () => {
  const { daemon, pids, dir } = await startDaemon();
  expect(await sweepOrphans(dir)).toBe(0); // their daemon is alive
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  process.kill(daemon.pid ?? 0, "SIGSTOP"); // so that it does not replace the guardian
  process.kill(guardianOf(dir) ?? 0, "SIGKILL");
  daemon.kill("SIGKILL");
  await once(daemon, "exit");
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  expect(await sweepOrphans(dir)).toBeGreaterThan(0);
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(readdirSync(dir).filter((name) => name.startsWith("children-"))).toEqual([]);
});
