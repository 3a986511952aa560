// `npm run eval -- --model PROVIDER/MODEL [--suite core] [--task NAME]… [--agent NAME] [--times N] [--timeout SECONDS]
// [--json]`: lets an agent work on each task in a repository of its own and reports what it solved and what that took.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Measured, measure } from "./measure.ts";
import { reportText } from "./report.ts";
import { check, layOut, type Task, tasksOf } from "./task.ts";

export type Result = Measured & { task: string; isSolved: boolean; seconds: number };

const launcher = resolve(import.meta.dirname, "../bin/hearth");

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    agent: { type: "string" },
    suite: { type: "string", default: "core" },
    task: { type: "string", multiple: true },
    times: { type: "string", default: "1" },
    timeout: { type: "string", default: "600" },
    json: { type: "boolean", default: false },
  },
});

try {
  await main();
} catch (error) {
  process.stderr.write(`eval: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const chosen = tasksOf(values.suite).filter(({ name }) => values.task?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`no task of the suite ${values.suite} has that name`);
  const results: Result[] = [];
  for (let time = 0; time < Number(values.times); time++)
    for (const task of chosen) {
      const result = await attempt(task);
      results.push(result);
      const state = result.isSolved
        ? "solved"
        : `not solved${result.error === undefined ? "" : ` (${result.error})`}`;
      process.stderr.write(
        `${task.name}: ${state}, ${result.steps} steps, ${Math.round(result.seconds)} s\n`,
      );
    }
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ suite: values.suite, model: values.model ?? null, results })}\n`
      : reportText(results),
  );
}

async function attempt(task: Task): Promise<Result> {
  const home = mkdtempSync(join(tmpdir(), "hearth-eval-"));
  const place = join(home, task.name);
  try {
    layOut(task, place);
    const startedAt = performance.now();
    const stream = await runHearth(task.prompt, place);
    const seconds = (performance.now() - startedAt) / 1000;
    return { task: task.name, ...check(task, place), ...measure(stream), seconds };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Everything is allowed, in a folder that is thrown away; the daemon is the run's own. */
function runHearth(prompt: string, cwd: string): Promise<string> {
  const named = (["model", "agent"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const args = [
    "run",
    "--disposable",
    "--format",
    "stream-json",
    "--timeout",
    values.timeout,
    ...named,
    prompt,
  ];
  const { promise, resolve: done, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, [launcher, ...args], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  child.once("error", reject);
  child.once("close", () => done(text));
  return promise;
}
