import { settlesWithin } from "../../async/wait.ts";
import { createTextRing, plainText } from "../children/text-ring.ts";
import type { GroupProcess, ProcessExit, ProcessSupervisor } from "../process/types.ts";

/** How a hook's command ended. */
export type HookEnd =
  | { kind: "exited"; code: number; stdout: string; stderr: string }
  /** It could not be started, was ended by a signal or took too long; `why` is the end of a sentence. */
  | { kind: "failed"; why: string };

type HookCommand = {
  command: string;
  timeoutMs: number;
  /** Written to its input as JSON. */
  input: unknown;
  cwd: string;
  env: Readonly<Record<string, string>>;
  processes: ProcessSupervisor;
  /** Its processes carry it, so that all of them end. */
  owner: string;
};

/** Of a longer output only this much is read; the rest is thrown away, and the hook may print it. */
const STDOUT_BYTES_MAX = 64 * 1024;
const STDERR_CHARS_MAX = 4_000;
/** A process that it left running may hold its output open. */
const DRAIN_MS = 200;

/** Runs one hook. Rejects only when `signal` aborts; then its processes are dead. */
export async function runHook(hook: HookCommand, signal: AbortSignal): Promise<HookEnd> {
  signal.throwIfAborted();
  const { command, cwd, env, processes, owner } = hook;
  let child: GroupProcess;
  try {
    child = await processes.spawn({ command: ["/bin/sh", "-c", command], cwd, env, owner });
  } catch (error) {
    return {
      kind: "failed",
      why: `it could not be started (${error instanceof Error ? error.message : String(error)})`,
    };
  }
  const stdout: Buffer[] = [];
  let length = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    if (length < STDOUT_BYTES_MAX) stdout.push(chunk.subarray(0, STDOUT_BYTES_MAX - length));
    length += chunk.length;
  });
  const stderr = createTextRing(STDOUT_BYTES_MAX);
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const ended = Promise.all([
    new Promise((resolve) => child.stdout.once("close", resolve)),
    new Promise((resolve) => child.stderr.once("close", resolve)),
  ]);
  child.stdin.end(JSON.stringify(hook.input)); // a hook that does not read it closes the pipe
  let exit: ProcessExit | undefined;
  const exited = child.exited.then((end) => {
    exit = end;
  });
  await settlesWithin(exited, hook.timeoutMs, signal);
  const isLate = exit === undefined;
  if (!isLate) await settlesWithin(ended, DRAIN_MS, signal);
  await processes.stopOwner(owner);
  signal.throwIfAborted();
  if (isLate || exit === undefined)
    return { kind: "failed", why: `it took longer than ${hook.timeoutMs / 1000} s and was ended` };
  if (exit.code === null) return { kind: "failed", why: `it was ended by ${exit.signal}` };
  const text = plainText(Buffer.concat(stdout).toString("utf8")).trim();
  return { kind: "exited", code: exit.code, stdout: text, stderr: stderr.tail(STDERR_CHARS_MAX) };
}
