import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { GroupProcess } from "../process/types.ts";
import { commandEnvironment } from "./command-environment.ts";
import { createCommandOutput } from "./command-output.ts";
import type { Job } from "./jobs.ts";
import type { OutputFolder } from "./output-folder.ts";
import { createTextCleaner } from "./text-cleaner.ts";
import type { ToolContext } from "./tool.ts";

/** What a command that has ended may still have in its pipe; longer only what it left running holds it open. */
const DRAIN_MS = 150;

export type CommandRequest = {
  command: string;
  cwd: { real: string; shown: string };
  /** Undefined: until its run ends. */
  timeoutMs: number | undefined;
  onText(text: string): void;
};

/** Starts a shell line in a process group of its own. It goes on by itself: output is read, and it ends in time. */
export async function startCommand(
  { command, cwd, timeoutMs, onText }: CommandRequest,
  folder: OutputFolder,
  { processes, env, run_id }: Pick<ToolContext, "processes" | "env" | "run_id">,
): Promise<Job> {
  const startedAt = performance.now();
  const child = await spawnShell((shell) =>
    processes.spawn({
      command: [shell, "-c", command],
      cwd: cwd.real,
      env: commandEnvironment(env),
      owner: run_id,
      stdio: "command",
    }),
  );
  const output = createCommandOutput(() => folder.create("bash"));
  let isOpen = true;
  const read = Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      const cleaner = createTextCleaner();
      for await (const chunk of readChunks(stream)) {
        const text = cleaner.push(chunk);
        onText(text);
        await output.add(text);
      }
      const last = cleaner.end();
      onText(last);
      await output.add(last);
    }),
  ).then(async () => {
    isOpen = false;
    await output.end();
  });

  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    child.stop().catch(() => {}); // what cannot be ended is told by `ended` not coming
  }, timeoutMs);
  if (timeoutMs === undefined) clearTimeout(timer);

  const finish = async () => {
    const exit = await child.exited;
    clearTimeout(timer);
    const durationMs = Math.round(performance.now() - startedAt);
    const drained = new AbortController();
    await Promise.race([
      read.finally(() => drained.abort()),
      wait(DRAIN_MS, undefined, { signal: drained.signal }).catch(() => {}), // it was read to its end
    ]);
    const end = { ...exit, durationMs, isTimedOut };
    job.end = end;
    return end;
  };
  const job: Job = {
    command,
    cwd: cwd.shown,
    output,
    startedAt,
    end: undefined,
    ended: Promise.resolve().then(finish),
    hasLeftovers: () => isOpen,
    stop: () => child.stop(),
  };
  return job;
}

/** bash where there is one. */
async function spawnShell(spawn: (shell: string) => Promise<GroupProcess>): Promise<GroupProcess> {
  try {
    return await spawn("bash");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return spawn("/bin/sh");
  }
}

/** Until its end, or until it breaks: a pipe that is torn down has no more to say. */
async function* readChunks(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    // what came so far counts
  }
}
