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
    calls: () => readFileSync(join(engine, "calls"), "utf8"),
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
