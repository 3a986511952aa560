import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import { sweepOrphans } from "../../src/agent/process/sweep-orphans.ts";
import type { ProcessSupervisor, SpawnRequest } from "../../src/agent/process/types.ts";
import { gateWithout } from "../support/hung-folders.ts";

const isLinux = process.platform === "linux";
const env = { PATH: process.env["PATH"] ?? "" };
const KILL_AFTER_MS = 250;
let dir: string;
let supervisor: ProcessSupervisor;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-process-"));
  supervisor = createProcessSupervisor({ recordDir: join(dir, "run"), killAfterMs: KILL_AFTER_MS });
});
afterEach(async () => {
  await supervisor.close();
  rmSync(dir, { recursive: true, force: true });
});

const sh = (script: string, more: Partial<SpawnRequest> = {}) =>
  supervisor.spawn({ command: ["bash", "--norc", "-c", script], cwd: dir, env, owner: "run_one", ...more });

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const closeOf = (stream: Readable) => new Promise<void>((resolve) => stream.on("close", resolve));

/** The numbers of the first `count` lines: what the scripts below tell of themselves. */
async function pidsFrom(stream: Readable, count: number): Promise<number[]> {
  const pids: number[] = [];
  const lines = createInterface({ input: stream });
  for await (const line of lines) if (pids.push(Number(line)) === count) break;
  expect(pids).toHaveLength(count);
  return pids;
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

const stubborn = "trap '' TERM; echo $$; while :; do sleep 0.05; done";

test("a pipe that breaks ends nothing but itself, though nobody listens for its error", async () => {
  const child = await sh("cat");
  const closed = Promise.all([child.stdout, child.stderr].map(closeOf));
  child.stdout.destroy(new Error("EIO"));
  child.stderr.destroy(new Error("EIO"));
  await closed;
  child.stdin.end();
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test("a child gets its input, says what it says on two streams, and its exit code is told", async () => {
  const child = await sh("cat; echo complaint >&2; exit 3");
  child.stdin.end("from the daemon");
  expect(await Promise.all([textOf(child.stdout), textOf(child.stderr)])).toEqual([
    "from the daemon",
    "complaint\n",
  ]);
  expect(await child.exited).toEqual({ code: 3, signal: null });
});

test("the signal that ended a child is told", async () => {
  const child = await sh("kill -KILL $$");
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("a command's outputs come through one real pipe in the order they were written, and it has no input", async () => {
  const child = await sh(
    "for i in 1 2 3; do echo out$i; echo err$i >&2; done; echo named > /dev/stderr; cat",
    {
      stdio: "command",
    },
  );
  expect(await textOf(child.stdout)).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\nnamed\n");
  expect(await textOf(child.stderr)).toBe("");
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test.runIf(isLinux)("a session of many commands uses the pipes again that its first ones had", async () => {
  const pipes = new Set<string>();
  const told = Array.from({ length: 20 }, (_, index) => `command ${index}`);
  for (const text of told) {
    const child = await sh(`stat -L -c %i /dev/stdout; echo ${text}`, { stdio: "command" });
    const [pipe, ...rest] = (await textOf(child.stdout)).split("\n");
    expect(rest).toEqual([text, ""]);
    pipes.add(pipe ?? "");
    await child.exited;
  }
  expect(pipes.size).toBeLessThan(told.length);
});

test("a program that is not there is ENOENT, a file that is no program EACCES, a missing folder is named", async () => {
  const plain = join(dir, "plain");
  writeFileSync(plain, "text");
  const start = (command: [string, ...string[]], cwd = dir) =>
    supervisor.spawn({ command, cwd, env, owner: "run_one" });
  await expect(start(["no-such-program"])).rejects.toMatchObject({ code: "ENOENT" });
  await expect(start([plain])).rejects.toMatchObject({ code: "EACCES" });
  await expect(start(["true"], join(dir, "nowhere"))).rejects.toThrow(/folder .*nowhere does not exist/);
});

test("the child's environment is what was asked for and the two markers", async () => {
  const child = await sh("exec env", { env: { ...env, GREETING: "hello" } });
  const names = (await textOf(child.stdout)).split("\n").map((line) => line.split("=")[0]);
  expect(names.filter((name) => !["PATH", "PWD", "SHLVL", "_", ""].includes(name ?? "")).sort()).toEqual([
    "GREETING",
    "HEARTH_OWNER",
    "HEARTH_SUPERVISOR",
  ]);
});

test.runIf(isLinux)("a child holds no descriptor of the daemon's", async () => {
  const list = "exec ls -l /proc/self/fd";
  const open = async (more: Partial<SpawnRequest>) => {
    const child = await sh(list, more);
    const rows = (await textOf(child.stdout))
      .split("\n")
      .flatMap((row) => row.match(/ (\d+) -> (.*)$/) ?? []);
    return rows.filter((field) => /^\d+$/.test(field)).map(Number);
  };
  const secret = await import("node:fs/promises").then((fs) => fs.open(join(dir, "secret"), "w"));
  await sh("sleep 5"); // its pipes and the guardian's are open meanwhile
  // 3 is the folder that ls reads; what the tests themselves were started with is above 15.
  expect((await open({})).filter((fd) => fd < 16)).toEqual([0, 1, 2, 3]);
  expect((await open({ stdio: "command" })).filter((fd) => fd < 16)).toEqual([0, 1, 2, 3]);
  const held = (await textOf((await sh(list)).stdout)).split("\n").filter((row) => row.includes("secret"));
  expect(held).toEqual([]);
  await secret.close();
});

test("stop ends a whole group: what ignores TERM, what was stopped, what runs in the background", async () => {
  const child = await sh(`(${stubborn.replace("$$", "$BASHPID")}) & sleep 60 & echo $!; kill -STOP $!; wait`);
  const pids = await pidsFrom(child.stdout, 2);
  const beganAt = performance.now();
  await child.stop();
  expect([child.pid, ...pids].filter(isAlive)).toEqual([]);
  expect(performance.now() - beganAt).toBeGreaterThan(KILL_AFTER_MS - 5); // it was asked first
  await child.exited;
});

test("stop lets a child end in its own way", async () => {
  const child = await sh("trap 'echo cleaned; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
  const said = textOf(child.stdout);
  await once(child.stdout, "data");
  await child.stop();
  expect(await said).toBe("ready\ncleaned\n");
  expect(await child.exited).toEqual({ code: 7, signal: null });
});

test("stop also ends what a child left running when it exited, and may be called twice", async () => {
  const child = await sh("sleep 60 & echo $!", { stdio: "command" });
  const [left] = await pidsFrom(child.stdout, 1);
  await child.exited;
  expect(isAlive(left ?? 0)).toBe(true);
  await Promise.all([child.stop(), child.stop()]);
  expect(isAlive(left ?? 0)).toBe(false);
  await child.stop();
});

test("stopping one owner leaves the children of another alone", async () => {
  const mine = await sh("sleep 60");
  const other = await sh("sleep 60", { owner: "run_two" });
  await supervisor.stopOwner("run_one");
  expect([isAlive(mine.pid), isAlive(other.pid)]).toEqual([false, true]);
});

test.runIf(isLinux)("stopOwner finds those that left their group", async () => {
  const away = stubborn.replace("$$", "$BASHPID");
  const child = await sh(
    `(setsid bash -c '${stubborn.replaceAll("'", `"`)}' &); setsid bash -c 'env -i sleep 60 & echo $!; wait' & (${away}) & wait`,
  );
  const pids = await pidsFrom(child.stdout, 3);
  await supervisor.stopOwner("run_one");
  expect([child.pid, ...pids].filter(isAlive)).toEqual([]);
});

test.runIf(isLinux)("stopOwner spares the same owner's children of another daemon", async () => {
  const second = createProcessSupervisor({ recordDir: join(dir, "second"), killAfterMs: KILL_AFTER_MS });
  const other = await second.spawn({ command: ["sleep", "60"], cwd: dir, env, owner: "run_one" });
  await sh("sleep 60");
  await supervisor.stopOwner("run_one");
  expect(isAlive(other.pid)).toBe(true);
  await second.close();
  expect(isAlive(other.pid)).toBe(false);
});

test("a reader that pauses makes the child wait, and 1 GB of output leaves the memory alone", async () => {
  const child = await sh("head -c 1073741824 /dev/zero; echo done >&2", { stdio: "command" });
  let bytes = 0;
  let highest = 0;
  const before = process.memoryUsage().rss;
  for await (const chunk of child.stdout) {
    bytes += (chunk as Buffer).length;
    if (bytes % (64 << 20) < 65536) highest = Math.max(highest, process.memoryUsage().rss);
  }
  expect(bytes).toBe(1073741824 + "done\n".length);
  expect(highest - before).toBeLessThan(200 << 20);
});

test.runIf(isLinux)("a child that nobody reads waits at a full pipe", async () => {
  const child = await sh("yes; echo never >&2");
  child.stdout.pause();
  await waitUntil(
    () => stateOf(child.pid) === "S" && readFileSync(`/proc/${child.pid}/wchan`, "utf8") !== "",
  );
  expect(child.stdout.readableLength).toBeLessThan(1 << 20);
  expect(isAlive(child.pid)).toBe(true);
});

function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0] ?? "";
}

async function waitUntil(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await wait(10);
}

test("close ends everything, lets the guardian go and takes its file away", async () => {
  const child = await sh("sleep 60");
  expect(readdirSync(join(dir, "run")).filter((name) => name.startsWith("children-"))).toHaveLength(1);
  await supervisor.close();
  expect(isAlive(child.pid)).toBe(false);
  expect(readdirSync(join(dir, "run"))).toEqual([]);
  await expect(sh("true")).rejects.toThrow(/stopping/);
});

test("the records are the user's alone", async () => {
  await sh("sleep 60");
  const [name] = readdirSync(join(dir, "run")).filter((entry) => entry.startsWith("children-"));
  expect(statSync(join(dir, "run")).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, "run", name ?? "")).mode & 0o777).toBe(0o600);
});

test.runIf(isLinux)(
  "the sweep spares a process that got a recorded pid later, and another boot's records",
  async () => {
    const bystander = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    const pid = bystander.pid ?? 0;
    const recordDir = join(dir, "old");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const write = (name: string, header: object, record: object) => {
      writeFileSync(join(recordDir, name), `${JSON.stringify(header)}\n${JSON.stringify(record)}\n{"half`);
    };
    mkdirSync(recordDir);
    const header = { mark: "0".repeat(32), daemon_pid: 999_999_999, daemon_start_ticks: "1", boot };
    const startTicks = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[19];
    write("children-a1.jsonl", header, { pid, start_ticks: "1", spawned_at: Date.now(), owner: "run_x" });
    const other = { ...header, boot: "another" };
    write("children-b2.jsonl", other, {
      pid,
      start_ticks: startTicks,
      spawned_at: Date.now(),
      owner: "run_x",
    });
    expect(await sweepOrphans(recordDir)).toBe(0);
    expect(isAlive(pid)).toBe(true);
    expect(readdirSync(recordDir)).toEqual([]);
    bystander.kill("SIGKILL");
  },
);

test("a folder of PATH that does not respond is not searched when a child starts", async () => {
  const hung = join(dir, "hung");
  mkdirSync(hung);
  writeFileSync(join(hung, "bash"), "#!/bin/sh\necho the hung one\n", { mode: 0o755 });
  const recordDir = join(dir, "run-2");
  const careful = createProcessSupervisor({ recordDir, folders: gateWithout(hung) });
  onTestFinished(() => careful.close());
  const start = (program: string, PATH: string) =>
    careful.spawn({ command: [program, "-c", "echo $0"], cwd: dir, env: { PATH }, owner: "run_one" });
  const found = await start("bash", `${hung}:${env.PATH}`);
  expect(await textOf(found.stdout)).toBe("bash\n");
  for (const missing of [start("bash", hung), start(join(hung, "bash"), env.PATH)])
    await expect(missing).rejects.toMatchObject({
      code: "ENOENT",
      message: expect.stringContaining(`was not found, and the folder ${hung} does not respond`),
    });
});
