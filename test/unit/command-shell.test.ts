import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { GroupProcess, ProcessSupervisor, SpawnRequest } from "../../src/agent/process/types.ts";
import { eventually } from "../support/happenings.ts";

const env: Record<string, string> = {
  PATH: process.env["PATH"] ?? "",
  LANG: "C.UTF-8",
  SHLVL: "4",
  OLDPWD: "/",
};
const own = String(process.pid);
let dir: string;
let supervisor: ProcessSupervisor;

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "hearth-shell-")));
  supervisor = createProcessSupervisor({ recordDir: join(dir, "run"), killAfterMs: 250 });
});
afterEach(async () => {
  await supervisor.close();
  rmSync(dir, { recursive: true, force: true });
});

const start = (script: string, more: Partial<SpawnRequest> = {}) =>
  supervisor.spawn({
    ...{ command: ["bash", "-c", script], cwd: dir, env, owner: "run_one", stdio: "command" },
    ...more,
  });

async function textOf({ stdout }: GroupProcess): Promise<string> {
  let text = "";
  for await (const chunk of stdout) text += String(chunk);
  return text;
}

/** What a command says and how it ended. */
async function run(script: string, more: Partial<SpawnRequest> = {}) {
  const child = await start(script, more);
  const text = await textOf(child);
  return { text: text.trimEnd(), exit: await child.exited, pid: child.pid };
}

/** "T" for a stopped process. */
const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0];

/** The run's first command, which the daemon itself starts; those after it are what these tests are about. */
const first = () => run("echo $PPID");

describe.runIf(process.platform === "linux")("the second command of a run and those after it", () => {
  test("are started by one shell that is not the daemon, each as the leader of a group", async () => {
    expect((await first()).text).toBe(own);
    const second = await run("echo $PPID; ps -o pgid= -p $$");
    const third = await run("echo $PPID; ps -o pgid= -p $$");
    const [shell, group] = second.text.split("\n");
    expect(shell).not.toBe(own);
    expect(third.text.split("\n")[0]).toBe(shell);
    expect(Number(group)).toBe(second.pid);
    expect(Number(third.text.split("\n")[1])).toBe(third.pid);
  });

  test("find what the first one found: environment, options, folder, limits, descriptors, no input", async () => {
    const odd = {
      ...env,
      "BASH_FUNC_read%%": "() { echo mine; }",
      BASH_ENV: join(dir, "no-such-file"),
      HEARTH_X: "a\nb 'c' \\ \u{1f642}",
      PWD: dir,
    };
    const all =
      "env -0 | sort -z | tr '\\0' '\\n'; echo $-; set -o; shopt; pwd; umask; ulimit -a; ls /proc/$$/fd; trap; jobs; read; cat";
    const one = await run(all, { env: odd });
    const two = await run(all, { env: odd });
    expect(two).toEqual({ ...one, pid: expect.any(Number) });
    expect(one.text).toContain("SHLVL=5");
    expect(one.text).toContain("mine");
  });

  test("say how they ended, also where a shell's status alone could mean two things", async () => {
    await first();
    const ends = [
      "exit 0",
      "exit 3",
      "exit 143",
      "kill -TERM $$",
      "exit 137",
      "kill -KILL $$",
      "kill -SEGV $$",
      "no-such",
    ];
    const exits = [];
    for (const script of ends) exits.push((await run(script)).exit);
    const code = (number: number) => ({ code: number, signal: null });
    const signal = (name: string) => ({ code: null, signal: name });
    expect(exits).toEqual([
      ...[code(0), code(3), code(143), signal("SIGTERM"), code(137), signal("SIGKILL")],
      ...[signal("SIGSEGV"), code(127)],
    ]);
  });

  test("have not ended while they are stopped", async () => {
    await first();
    const child = await start("kill -STOP $$; echo on; exit 3");
    await eventually(() => stateOf(child.pid) === "T", "the stop");
    process.kill(child.pid, "SIGCONT");
    expect(await textOf(child)).toBe("on\n");
    expect(await child.exited).toEqual({ code: 3, signal: null });
  });

  test("run in the folder that each names, also one that is new under an old name", async () => {
    const folder = join(dir, "a folder\nof two lines");
    mkdirSync(folder);
    await first();
    expect((await run("pwd", { cwd: folder })).text).toBe(folder);
    expect((await run("pwd")).text).toBe(dir);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    expect((await run("pwd; echo x > made; ls", { cwd: folder })).text).toBe(`${folder}\nmade`);
    await expect(start("pwd", { cwd: join(dir, "none") })).rejects.toThrow(/does not exist/);
  });

  test("are started by the daemon where the shell is at work, or the environment is another", async () => {
    await first();
    const long = await start("echo $PPID; sleep 600");
    expect((await run("echo $PPID")).text).toBe(own);
    expect((await run("echo $PPID", { env: { ...env, A: "1" } })).text).toBe(own);
    await long.stop();
    await long.exited;
    expect(await textOf(long)).not.toContain(own);
    expect((await run("echo $PPID")).text).not.toBe(own);
  });

  test("end with a shell that one of them kills, and those after it are started by the daemon", async () => {
    await first();
    const child = await run("kill -KILL $PPID; sleep 600");
    expect(child.exit).toEqual({ code: null, signal: "SIGTERM" });
    expect((await run("echo $PPID")).text).toBe(own);
  });

  test("are stopped like any other, and nothing of the run is left, the shell neither", async () => {
    await first();
    const shell = Number((await run("echo $PPID")).text);
    const child = await start("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await child.stop();
    expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
    await supervisor.stopOwner("run_one");
    expect(() => process.kill(shell, 0)).toThrow(/ESRCH/);
    expect((await first()).text).toBe(own);
  });
});
