import { readFile } from "node:fs/promises";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { newClientId } from "../../client/client-id.ts";
import { type Connection, connect } from "../../client/connect.ts";
import { newId } from "../../client/repeatable-calls.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { TaskBody } from "../../protocol/routes/tasks.ts";
import type { Task } from "../../protocol/task.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit.ts";
import { createRunNotes } from "../run/notes.ts";
import { createStop, type Stop } from "../run/stop.ts";
import { settleTrust } from "../trust.ts";
import { followTasks } from "./follow.ts";
import type { TaskOptions } from "./options.ts";
import { entryLine } from "./text.ts";

export type Started = {
  connection: Connection;
  stop: Stop;
  /** Posts a task, and tells on stderr how it goes. `ended` resolves with it when it has. */
  begin(body: Pick<TaskBody, "prompt" | "agents" | "group">): Promise<{ ended: Promise<Task> }>;
};

/** Connects and attaches, so that tasks can be started and followed. Ctrl+C and --timeout cancel them. */
export async function withTasks(
  context: Context,
  { timeoutMs, body: shared, isJson }: Pick<TaskOptions, "timeoutMs" | "body" | "isJson">,
  work: (started: Started) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { env, paths, launcher, err } = context;
  const stop = createStop(timeoutMs);
  let connection: Connection | undefined;
  try {
    const cwd = context.cwd();
    connection = await connect({ paths, env, launcher, clientId: newClientId("task"), cwd }, stop.signal);
    const open = connection;
    for (const warning of open.warnings) await err.line(`hearth: ${warning}`);
    await settleTrust(open, undefined, err);
    const told = new Map<string, string>();
    /** In a script only the end is told: by the output and the exit code. */
    const onTask = async (task: Task) => {
      if (isJson || !err.isTerminal()) return;
      for (const entry of task.entries) {
        const line = entryLine(entry);
        const key = `${entry.state} ${entry.check?.outcome ?? ""}`;
        if (told.get(entry.session_id) === key) continue;
        told.set(entry.session_id, key);
        await err.line(`hearth: ${line.replaceAll("\n", " ")}`);
      }
    };
    const notes = createRunNotes(open, context, undefined);
    const follow = followTasks(open, { onTask, onEvent: notes.event });
    const running = new Set<TaskId>();
    const cancelAll = async () => {
      for (const tid of running) await open.request("POST /v1/tasks/{tid}/cancel", { params: { tid } });
    };
    stop.signal.addEventListener("abort", () => inBackground(cancelAll, ignoreError), { once: true });
    try {
      await follow.opened;
      stop.startTimeout();
      const code = await work({
        connection: open,
        stop,
        async begin(own) {
          const id = newId("tsk");
          const ended = follow.ended(id).finally(() => running.delete(id));
          ended.catch(() => {}); // others may begin before it is awaited
          await open
            .request("POST /v1/tasks", { body: { ...shared, ...own, id, path: cwd } })
            .catch((error: unknown) => Promise.reject(withAdvice(error)));
          running.add(id);
          if (stop.signal.aborted) await cancelAll();
          return { ended };
        },
      });
      if (!stop.signal.aborted) return code;
      await err.line(
        `hearth: ${stop.reason() === "timeout" ? "Canceled: it reached --timeout." : "Canceled."}`,
      );
      return stop.reason() === "timeout" ? exitCodes.timeout : exitCodes.canceled;
    } finally {
      follow.close();
    }
  } catch (error) {
    if (stop.signal.aborted && connection === undefined) return exitCodes.canceled;
    throw error;
  } finally {
    connection?.close();
    stop.close();
  }
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof HearthError) || error.code !== "isolation_unavailable") return error;
  return new HearthError(
    error.code,
    `${error.message} With --isolation in_place agents work in the directory itself.`,
  );
}

/** The prompts of a file, one a line; empty lines and those that begin with # are left out. Throws UsageError. */
export async function readPrompts(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file === "-" ? "/dev/stdin" : file, "utf8");
  } catch (cause) {
    throw new UsageError(`--each: ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  }
  const prompts = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (prompts.length === 0) throw new UsageError(`--each: ${file} has no prompts.`);
  return prompts;
}
