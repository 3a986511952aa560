// faults.md F18, F42, F48, F52: odd machines and odd commands.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createApi } from "../support/api.ts";
import { runHearth } from "../support/cli.ts";
import { openCliWorld } from "../support/cli-world.ts";
import { eventually, soon } from "../support/happenings.ts";
import { repository } from "../support/home.ts";
import { say, toolResults } from "../support/model-server.ts";
import { processesOf } from "../support/processes.ts";
import { openWorld, toolRunning, toolsOf } from "../support/world.ts";

const bash = (command: string) => ({ call: "bash", input: { command } }) as const;

test.each([
  [
    "leaves its session and ignores every polite signal",
    "setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' & echo up; wait",
  ],
  [
    "forks twice and lets go of its parents",
    "( setsid sh -c 'sleep 300 & sleep 300 & wait' >/dev/null 2>&1 & ); echo up; sleep 300",
  ],
  ["has two hundred children", "i=0; while [ $i -lt 200 ]; do sleep 300 & i=$((i+1)); done; echo up; wait"],
  ["takes its own name away", "exec -a innocent sh -c 'echo up; while :; do sleep 1; done'"],
  ["writes without end", "yes up"],
])("a command that %s is gone after a cancel, with all that it started", async (_, command) => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash(command)));
  const { run_id } = await terminal.prompt("run it");
  await toolRunning(terminal, "up");
  await terminal.cancel();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  await eventually(() => toolsOf(world).length === 0, "the tools to be gone");
  await eventually(() => processesOf(run_id).length === 0, "what carries the run's mark to be gone");
  expect((await terminal.ask("next")).outcome).toBe("end_turn");
});

test("a command that wants a terminal or an answer gets neither, and ends by itself", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(
    say(
      bash('read -r answer; echo "got [$answer] $?"'),
      bash("test -t 0 || test -t 1 || echo no terminal; stty -a < /dev/tty; echo $?"),
      bash("cat"),
    ),
    say("ok"),
  );
  expect((await terminal.ask("run them")).outcome).toBe("end_turn");
  const [asks, wants, reads] = toolResults(await world.model.request(1)).map(({ text }) => text);
  expect(asks).toContain("got [] 1");
  expect(wants).toContain("no terminal");
  expect(reads).toBeDefined();
});

test("folders with spaces, line breaks, quotes and emoji work, without HOME and with locale C", async () => {
  const odd = "a b\n'c' \"d\" $(e) 🦔";
  const under = join(realpathSync(mkdtempSync(join(tmpdir(), "ho-"))), odd);
  mkdirSync(under);
  onTestFinished(() => rmSync(join(under, ".."), { recursive: true, force: true }));
  const world = await openWorld({
    under,
    session: { mode: "yolo" },
    daemon: { env: { HOME: "", LANG: "C", LC_ALL: "C", TMPDIR: "" } },
  });
  const terminal = await world.terminal("only");
  world.home.write("file in it.txt", "needle\n");
  world.model.enqueue(
    say(
      bash("pwd; cat 'file in it.txt'; (sleep 300 &)"),
      { call: "grep", input: { pattern: "needle" } },
      { call: "write", input: { path: "new.txt", content: "x" } },
    ),
    say("ok"),
  );
  expect((await terminal.ask("try all")).outcome).toBe("end_turn");
  const results = toolResults(await world.model.request(1)).map(({ text }) => text);
  expect(results[0]).toContain("needle");
  expect(results[1]).toContain("file in it.txt");
  expect(existsSync(join(world.home.project, "new.txt"))).toBe(true);
});

test("a limit of open files that is too low is said or lived with, never a crash without a word", async () => {
  const { home } = await openCliWorld();
  const limited = (args: readonly string[]) =>
    spawnSync(
      "sh",
      ["-c", 'ulimit -n 24; exec "$@"', "sh", process.execPath, join(repository, "bin", "hearth"), ...args],
      {
        cwd: home.project,
        env: home.env,
        encoding: "utf8",
        timeout: 120_000,
      },
    );
  const result = limited(["run", "hello"]);
  expect(result.signal).toBe(null);
  if (result.status === 0) expect(result.stdout).toContain("Done.");
  else expect(result.stderr.trim()).toMatch(/\S+ \S+ \S+/);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect((await runHearth(home, ["run", "hello"])).code).toBe(0);
});

test("a daemon whose package is taken away goes on with the work it has been opened for", async () => {
  const installed = mkdtempSync(join(tmpdir(), "hp-"));
  onTestFinished(() => rmSync(installed, { recursive: true, force: true }));
  for (const name of ["bin", "dist", "package.json", "schema.sql"])
    cpSync(join(repository, name), join(installed, name), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(installed, "node_modules"));
  const { home, model } = await openCliWorld();
  const child = spawn(process.execPath, [join(installed, "bin", "hearth"), "serve"], {
    cwd: "/",
    env: home.env,
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const api = await eventually(
    () => (existsSync(home.socket) ? createApi(home.socket, "only") : undefined),
    "the daemon to answer",
  );
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: home.env },
  });
  const path = `/v1/workspaces/${workspace.id}`;
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: { mode: "yolo" },
  });
  const prompt = async (text: string) => {
    const { run_id } = await api.expect<{ run_id: string }>(202, "POST", `${path}/agent`, {
      body: { session_id: session.id, prompt: text },
    });
    return eventually(async () => {
      const { run } = await api.expect<{ run: { outcome: string | null } }>(
        200,
        "GET",
        `${path}/sessions/${session.id}/runs/${run_id}`,
      );
      return run.outcome ?? undefined;
    }, "the end of the run");
  };
  expect(await prompt("before")).toBe("end_turn");
  rmSync(installed, { recursive: true });
  model.enqueue(
    say(
      bash("echo ran"),
      { call: "write", input: { path: "new.txt", content: "x" } },
      { call: "grep", input: { pattern: "x" } },
    ),
    say("ok"),
  );
  expect(await prompt("after")).toBe("end_turn");
  expect(existsSync(join(home.project, "new.txt"))).toBe(true);
  api.close();
});

test("a prompt, a file name and a pattern made to be slow delay nobody else", async () => {
  const world = await openWorld({
    config: (url) => ({
      model: "local/big",
      providers: { local: { type: "openai-compatible", base_url: url, models: { big: {} } } },
      permissions: { deny: ["bash((a*)*(a*)*(a*)*b)", `bash(${"*a".repeat(30)}b)`] },
    }),
  });
  const terminal = await world.terminal("only", { kind: "headless" });
  const slow = "a".repeat(30_000);
  world.model.enqueue(
    say(bash(`echo ${slow}!`), bash(`${"(".repeat(2000)}echo${")".repeat(2000)}`), {
      call: "grep",
      input: { pattern: "(a*)*b" },
    }),
    say("ok"),
  );
  world.home.write("slow.txt", slow);
  const asked = terminal.ask(`${slow} ${"```".repeat(5000)}`, { on_question: "deny" });
  // A pattern that runs away takes minutes: nobody would get an answer.
  for (let look = 0; look < 60; look += 1)
    expect((await soon(terminal.api.call("GET", "/v1/health"), "an answer")).status).toBe(200);
  expect((await asked).outcome).toBe("end_turn");
});
