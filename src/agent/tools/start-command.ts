import type { Readable } from "node:stream";
import { settlesWithin } from "../../async/wait.ts";
import type { GroupProcess } from "../process/types.ts";
import { commandEnvironment } from "./command-environment.ts";
import { createCommandOutput } from "./command-output.ts";
import type { Job } from "./jobs.ts";
import type { OutputFolder } from "./output-folder.ts";
import { createTextCleaner } from "./text-cleaner.ts";
import type { ToolContext } from "./tool.ts";

/** What comes no more for so long behind a command's end is not its own: what it left running holds its pipe open … */
const DRAIN_MS = 150;
/** … and may go on writing there. */
const DRAIN_MS_MAX = 3000;

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
  /** What was taken out of its pipes, and what of it is still being kept. */
  const taken = { chunks: 0, open: 0 };
  const read = Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      const cleaner = createTextCleaner();
      for await (const chunk of readChunks(stream)) {
        const text = cleaner.push(chunk);
        onText(text);
        taken.chunks++;
        taken.open++;
        await output.add(text);
        taken.open--;
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
    let known = -1;
    for (let ms = 0; isOpen && ms < DRAIN_MS_MAX; ms += DRAIN_MS) {
      if (taken.chunks === known && taken.open === 0) break;
      known = taken.chunks;
      if (await settlesWithin(read, DRAIN_MS)) await read;
    }
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
