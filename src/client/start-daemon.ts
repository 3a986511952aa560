import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { inBackground } from "../async/in-background.ts";
import { orAborted, pause } from "../async/wait.ts";
import { FILE_THREADS, parseReadyLine, READY_FD_VARIABLE, type ReadyLine } from "../protocol/daemon-file.ts";
import { splitEnvironment } from "../protocol/environment.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Paths } from "../protocol/paths.ts";
import { assertOwn, makeFolders } from "./own-folder.ts";

/** How much of the log's end is searched for the reason when a daemon died at its start. */
const LOG_TAIL_BYTES = 16 * 1024;
/** How long to wait for the end of the pipe after the process has exited: its child may hold the pipe open. */
const PIPE_DRAIN_MS = 200;

export type StartOptions = {
  paths: Paths;
  env: Readonly<Record<string, string | undefined>>;
  /** bin/hearth. */
  launcher: string;
  /** It allows everything, and ends with this process. */
  isDisposable?: boolean | undefined;
};

export type StartResult = ReadyLine | { ok: false; code: "died"; message: string };

/**
 * Starts `hearth serve` in its own process session, so that it outlives this process. Waits until it is ready or has
 * reported why it is not. Rejects when `signal` aborts; the daemon then continues by itself.
 */
export async function startDaemon(
  { paths, env, launcher, isDisposable = false }: StartOptions,
  signal: AbortSignal,
): Promise<StartResult> {
  const log = openLog(paths);
  const logStart = log === undefined ? 0 : fstatSync(log).size;
  try {
    const output = log ?? "ignore";
    const child = spawn(process.execPath, [launcher, "serve", ...(isDisposable ? ["--disposable"] : [])], {
      cwd: "/", // it must not keep the current directory in use
      detached: true,
      env: daemonEnvironment(env, paths),
      // It ends when its stdin does, however this process ends.
      stdio: [isDisposable ? "pipe" : "ignore", output, output, "pipe"],
    });
    // Without free descriptors or processes there is no child and no pipe.
    if (child.stdio === undefined) return { ok: false, code: "died", message: await reasonOfNoChild(child) };
    keepOpen(child.stdin);
    const line = await readReadyLine(child, signal);
    if (line !== undefined) return line;
    const reason = log === undefined ? "" : lastReason(paths.log, logStart);
    return { ok: false, code: "died", message: reason || "it ended without giving a reason" };
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

/** Held open until this process has ended, without keeping it alive. */
function keepOpen(stdin: Writable | null): void {
  if (stdin === null) return;
  stdin.on("error", () => {}); // the daemon has ended
  if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
}

/** What commands need, and HEARTH_HOME. No provider's key: clients send those over the socket. */
function daemonEnvironment(env: StartOptions["env"], paths: Paths): Record<string, string> {
  const { tool } = splitEnvironment(env, new Set());
  const home = env["HEARTH_HOME"] ? { HEARTH_HOME: dirname(paths.runDir) } : {};
  return { ...tool, ...home, [READY_FD_VARIABLE]: "3", UV_THREADPOOL_SIZE: String(FILE_THREADS) };
}

const reasonOfNoChild = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) =>
      resolve(`no process can be started (${error.code ?? error.message})`),
    );
  });

async function readReadyLine(child: ChildProcess, signal: AbortSignal): Promise<ReadyLine | undefined> {
  const pipe = child.stdio[3] as Readable;
  const done = new AbortController();
  const ready = Promise.withResolvers<ReadyLine | undefined>();
  let text = "";
  const finish = () => ready.resolve(parseReadyLine(text));
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    text += chunk;
    if (text.includes("\n")) finish();
  });
  pipe.on("end", finish).on("error", finish);
  child.on("exit", () =>
    inBackground(async () => {
      await pause(PIPE_DRAIN_MS, done.signal);
      finish();
    }, ready.reject),
  );
  child.on("error", (cause) => {
    const message = `The daemon could not be started: ${cause.message}.`;
    ready.reject(new HearthError("daemon_unreachable", message, { cause }));
  });
  try {
    return await orAborted(ready.promise, signal);
  } finally {
    done.abort();
    pipe.destroy();
    child.unref();
  }
}

/** Opens the log for the daemon's output, so that even an early death leaves a reason; undefined if that fails. */
function openLog(paths: Paths): number | undefined {
  try {
    makeFolders(paths.stateDir);
    assertOwn(paths.stateDir, process.getuid?.());
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    return openSync(paths.log, flags, 0o600);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    return undefined; // a read-only or full disk: the daemon itself reports that
  }
}

/** The line of a dead daemon's output that explains its death: an error's message rather than its stack. */
function lastReason(path: string, start: number): string {
  const text = readTail(path, start);
  const lines = text
    .split("\n")
    .map(plainLine)
    .filter((line) => line !== "");
  const named = lines.findLast(
    (line) => !line.startsWith("at ") && /error|could not|cannot|failed|refus/i.test(line),
  );
  return (named ?? lines.at(-1) ?? "").slice(0, 500).replace(/[.\s]+$/, "");
}

/** A log line for a person: the message of a JSON line, else the line itself. */
function plainLine(line: string): string {
  if (line.startsWith("{")) {
    try {
      const { message, msg, error } = JSON.parse(line) as Record<string, unknown>;
      const found = [error, message, msg].find((value) => typeof value === "string");
      if (found !== undefined) return String(found).trim();
    } catch {
      return line.trim(); // cut off, or not JSON
    }
  }
  return line.trim();
}

function readTail(path: string, start: number): string {
  try {
    const file = openSync(path, "r");
    try {
      const end = fstatSync(file).size;
      const from = Math.max(start, end - LOG_TAIL_BYTES);
      const buffer = Buffer.alloc(Math.max(0, end - from));
      return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, from));
    } finally {
      closeSync(file);
    }
  } catch {
    return ""; // then the reason is unknown
  }
}
