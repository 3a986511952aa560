import type { Readable } from "node:stream";
import { settlesWithin } from "../../../async/wait.ts";
import type { GroupProcess } from "../../process/types.ts";
import type { ToolContext } from "../tool.ts";
import { commandEnvironment } from "./environment.ts";
import type { Job } from "./jobs.ts";
import { createCommandOutput } from "./output.ts";
import type { OutputFolder } from "./output-folder.ts";
import { createTextCleaner } from "./text-cleaner.ts";

/** If no output comes for this long after a command has exited, only its background processes hold the pipe open … */
const DRAIN_MS = 150;
/** … and they may keep writing, so this is the limit. */
const DRAIN_MS_MAX = 3000;

export type CommandRequest = {
  /** As shown … */
  command: string;
  /** … and as it is given to the shell. */
  line?: string | undefined;
  cwd: { real: string; shown: string };
  /** undefined: no limit; it ends with its run. */
  timeoutMs: number | undefined;
  /** Of its processes; its run by default. */
  owner?: string | undefined;
  onText(text: string): void;
};

/** Starts a shell command in its own process group. Its output is read and its timeout enforced in the background. */
export async function startCommand(
  { command, line = command, cwd, timeoutMs, owner, onText }: CommandRequest,
  folder: OutputFolder,
  { processes, env, run_id, container }: Pick<ToolContext, "processes" | "env" | "run_id" | "container">,
): Promise<Job> {
  const startedAt = performance.now();
  const child = await spawnShell((shell) =>
    processes.spawn({
      command: [shell, "-c", line],
      cwd: cwd.real,
      env: commandEnvironment(env),
      owner: owner ?? run_id,
      stdio: "command",
      container: container?.of,
    }),
  );
  const output = createCommandOutput(() => folder.create("bash"));
  let isOpen = true;
  /** Chunks read from the pipes, and those that are still being stored. */
  const received = { chunks: 0, open: 0 };
  const read = Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      const cleaner = createTextCleaner();
      for await (const chunk of readChunks(stream)) {
        const text = cleaner.push(chunk);
        onText(text);
        received.chunks++;
        received.open++;
        await output.add(text);
        received.open--;
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
    child.stop().catch(() => {}); // if it cannot be ended, `ended` does not resolve
  }, timeoutMs);
  if (timeoutMs === undefined) clearTimeout(timer);

  const finish = async () => {
    const exit = await child.exited;
    clearTimeout(timer);
    const durationMs = Math.round(performance.now() - startedAt);
    let seen = -1;
    for (let ms = 0; isOpen && ms < DRAIN_MS_MAX; ms += DRAIN_MS) {
      if (received.chunks === seen && received.open === 0) break;
      seen = received.chunks;
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
    closed: read,
    stop: () => child.stop(),
    goOn(next) {
      if (owner === undefined) clearTimeout(timer);
      if (owner !== next) child.handOver(next);
    },
  };
  return job;
}

/** bash if installed, else /bin/sh. */
async function spawnShell(spawn: (shell: string) => Promise<GroupProcess>): Promise<GroupProcess> {
  try {
    return await spawn("bash");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return spawn("/bin/sh");
  }
}

/** Reads until the stream ends or breaks. */
async function* readChunks(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    // a broken pipe: keep what was read
  }
}
