import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * A task: `prompt.md`, the repository as it is given (`repo`, on top of the commits in `history`), a check that is put
 * beside it afterwards and must pass, and a solution that proves the check.
 */
export type Task = { name: string; prompt: string; folder: string };

export const CHECK = "check.test.mjs";

/** Throws when there is no such suite. */
export function tasksOf(suite: string): Task[] {
  const folder = join(import.meta.dirname, suite);
  if (!existsSync(folder)) throw new Error(`there is no suite ${suite}: ${folder} does not exist`);
  return readdirSync(folder)
    .toSorted()
    .map((name) => {
      const own = join(folder, name);
      return { name, folder: own, prompt: readFileSync(join(own, "prompt.md"), "utf8").trim() };
    });
}

/** Makes the task's repository in `place`, which is emptied first. */
export function layOut(task: Task, place: string): void {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  git(place, "init", "--quiet");
  const history = join(task.folder, "history");
  const steps = existsSync(history) ? readdirSync(history).toSorted() : [];
  for (const step of steps) {
    cpSync(join(history, step), place, { recursive: true });
    const subject = readFileSync(join(place, "subject"), "utf8").trim();
    rmSync(join(place, "subject"));
    commit(place, subject);
  }
  cpSync(join(task.folder, "repo"), place, { recursive: true });
  commit(place, "state of today");
}

/** Whether the work in `place` passes the task's check, and what it printed. */
export function check(task: Task, place: string): { isSolved: boolean; output: string } {
  cpSync(join(task.folder, CHECK), join(place, CHECK));
  // Inside a test of node:test a run of its own would only report to it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const done = spawnSync(process.execPath, ["--test", "--test-isolation=none", CHECK], {
    ...{ cwd: place, env, encoding: "utf8", timeout: CHECK_MS_MAX },
  });
  return { isSolved: done.status === 0, output: done.stdout + done.stderr };
}

const CHECK_MS_MAX = 120_000;

function commit(place: string, subject: string): void {
  git(place, "add", "--all");
  git(place, "commit", "--quiet", "--allow-empty", "--message", subject);
}

/** Without the user's configuration, hooks and signing. */
function git(cwd: string, ...args: string[]): void {
  const identity = [
    "-c",
    "user.name=eval",
    "-c",
    "user.email=eval@example.com",
    "-c",
    "init.defaultBranch=main",
  ];
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const done = spawnSync("git", [...identity, ...args], { cwd, env, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`git ${args[0]} failed: ${done.error?.message ?? done.stderr}`);
}
