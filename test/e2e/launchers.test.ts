// hearth's own launchers for Slurm, Kubernetes and GitHub Actions, run by sh against programs that answer as theirs do.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Task } from "../../src/protocol/task.ts";
import { runHearth, startHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { eventually } from "../support/happenings.ts";
import { launcher as hearth } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { writeScriptedEngines } from "../support/scripted-engines.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";

async function openEngines() {
  const { home, model } = await openWarmCliWorld();
  const engine = home.folder("engine");
  const bare = home.folder("bare");
  execFileSync("git", ["init", "-q", "--bare", bare]);
  writeScriptedEngines(engine, bare);
  const own = { ...home.env, HEARTH_HOME: home.dir };
  const exports = Object.entries(own).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(
    join(engine, "hearth"),
    `#!/bin/sh\n${exports.join("\n")}\nexec '${process.execPath}' '${hearth}' "$@"\n`,
  );
  chmodSync(join(engine, "hearth"), 0o755);
  const git = gitIn(home.project);
  git("init", "-q", "-b", "main");
  writeAll(home.project, { "a.txt": "one\n", ".gitignore": "kept-here\n" });
  git("add", ".");
  git("commit", "-q", "-m", "first");
  git("remote", "add", "origin", bare);
  writeAll(home.project, { "kept-here": "s" });
  const env = { PATH: `${engine}:${home.env["PATH"]}` };
  return {
    ...{ home, model, engine, bare },
    run: (...args: string[]) => runHearth(home, args, { env }),
    start: (...args: string[]) => startHearth(home, args, { env }),
    calls: () => (existsSync(join(engine, "calls")) ? readFileSync(join(engine, "calls"), "utf8") : ""),
    branches: () => execFileSync("git", ["-C", bare, "branch", "--list"], { encoding: "utf8" }),
  };
}

const asked = {
  slurm: "scancel 7",
  kubernetes: "kubectl delete job hearth-",
  "github-actions": "gh run cancel 41",
};

test.for(Object.entries(asked))(
  "a task on %s comes back with its changes, and a cancel reaches it",
  async ([on, ends]) => {
    const { engine, model, run, start, calls, branches } = await openEngines();
    model.enqueue(
      say({ call: "bash", input: { command: "ls -a; cat a.txt; echo two >> a.txt" } }),
      say("Changed."),
    );
    const done = await run("task", "run", "--on", on, "--json", "change it");
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(JSON.parse(done.stdout) as Task).toMatchObject({
      on,
      entries: [
        { outcome: "end_turn", text: "Changed.", additions: 1, patch: expect.stringContaining("+two") },
      ],
    });
    expect(JSON.stringify(model.requests.at(-1)?.body)).not.toContain("kept-here");
    expect(branches()).toBe("");

    rmSync(join(engine, "pod-dir"), { recursive: true, force: true });
    rmSync(join(engine, "runs-41"), { recursive: true, force: true });
    rmSync(join(engine, "job-7"), { recursive: true, force: true });
    writeFileSync(join(engine, "hold"), "");
    const before = calls().length;
    const waiting = start("task", "run", "--on", on, "--json", "wait for it");
    await eventually(
      () => /^(squeue|kubectl exec|gh run watch)/m.test(calls().slice(before)),
      "the job to be waited for",
    );
    waiting.kill("SIGINT");
    expect((await waiting.result).code).toBe(130);
    await eventually(() => existsSync(join(engine, "canceled")), "the job to be canceled");
    expect(calls()).toContain(ends);
    expect(branches()).toBe("");
  },
);

test("what GitHub does not take is said, and leaves nothing there", async () => {
  const { home, run, engine, branches } = await openEngines();
  writeFileSync(
    join(engine, "gh"),
    "#!/bin/sh\necho 'could not find any workflows named hearth-task.yml' >&2\nexit 1\n",
  );
  const refused = await run("task", "run", "--on", "github-actions", "--json", "x");
  expect(refused.code).not.toBe(0);
  const [entry] = (JSON.parse(refused.stdout) as Task).entries;
  expect(entry?.error?.message).toBe(
    "The task could not be handed to github-actions: could not find any workflows named hearth-task.yml.",
  );
  expect(branches()).toBe("");
  gitIn(home.project)("remote", "remove", "origin");
  const alone = JSON.parse(
    (await run("task", "run", "--on", "github-actions", "--json", "x")).stdout,
  ) as Task;
  expect(alone.entries[0]?.error?.message).toContain("No such remote");
});

test("an engine that is away for a while has not lost the task, and that is said", async () => {
  const { engine, model, run, start, calls } = await openEngines();
  // Slurm's launcher tells after two minutes of asking.
  writeFileSync(join(engine, "sleep"), "#!/bin/sh\n", { mode: 0o755 });
  for (const [on, asks, away] of [
    ["kubernetes", "/task/result/exit_code", 2],
    ["slurm", "squeue", 24],
  ] as const) {
    model.enqueue(say({ call: "bash", input: { command: "echo two >> a.txt" } }), say("Changed."));
    writeFileSync(join(engine, "hold"), "");
    const task = start("task", "run", "--on", on, "--json", "change it");
    await eventually(() => calls().includes(asks), "the job to be waited for");
    writeFileSync(join(engine, "outage"), "away\n".repeat(away));
    const { code, stdout } = await task.result;
    const [entry] = (JSON.parse(stdout) as Task).entries;
    expect([code, entry?.outcome, entry?.error, entry?.additions]).toEqual([0, "end_turn", null, 1]);
    const told = (await run("sessions", "show", entry?.session_id ?? "")).stdout.replace(/\s+/g, " ");
    expect(told).toContain(`${on} does not say how job`);
    expect(told).toContain("the engine cannot be reached. It is asked again.");
  }
});

test("nothing stays on the remote when GitHub has no result, or shows no run", async () => {
  const { engine, model, run, start, calls, branches } = await openEngines();
  writeFileSync(join(engine, "sleep"), "#!/bin/sh\n", { mode: 0o755 });
  const gh = readFileSync(join(engine, "gh"), "utf8");
  const answering = (verb: string, answer: string) =>
    writeFileSync(
      join(engine, "gh"),
      gh.replace(`case "$1 $2" in`, `case "$1 $2" in "${verb}") ${answer};;`),
    );
  model.enqueue(say("Nothing to do."));
  answering("run download", "echo 'no artifact matches' >&2; exit 1");
  const fruitless = start("task", "run", "--on", "github-actions", "--json", "x");
  await eventually(() => calls().includes("gh run download"), "the result to be asked for");
  expect(branches()).toBe("");
  fruitless.kill("SIGINT"); // it is asked for again for a while
  await fruitless.result;
  answering("run list", ":");
  rmSync(join(engine, "runs-41"), { recursive: true });
  const { stdout } = await run("task", "run", "--on", "github-actions", "--json", "x");
  const [entry] = (JSON.parse(stdout) as Task).entries;
  expect(entry?.error?.message).toContain("GitHub took the task and shows no run named hearth ");
  expect(branches()).toBe("");
});

test("a task is pushed to the remote that the terminal names, and to no other", async () => {
  const { home, bare, engine } = await openEngines();
  const fork = home.folder("fork");
  execFileSync("git", ["init", "-q", "--bare", fork]);
  gitIn(home.project)("remote", "add", "fork", fork);
  // What is on the remotes at the moment of the dispatch.
  const refs = [bare, fork].map(
    (at) => `git -C '${at}' for-each-ref >>'${engine}/refs'; echo >>'${engine}/refs'`,
  );
  writeFileSync(join(engine, "gh"), `#!/bin/sh\n${refs.join("\n")}\necho "$*" >&2; exit 1\n`);
  const env = { PATH: `${engine}:${home.env["PATH"]}`, HEARTH_REMOTE: "fork", HEARTH_WORKFLOW: "own.yml" };
  const { stdout } = await runHearth(home, ["task", "run", "--on", "github-actions", "--json", "x"], { env });
  expect((JSON.parse(stdout) as Task).entries[0]?.error?.message).toContain("workflow run own.yml");
  expect(readFileSync(join(engine, "refs"), "utf8")).toMatch(
    /^\n\w+ commit\trefs\/heads\/hearth-task\/\w+\n\n$/,
  );
});
