import { Worker } from "node:worker_threads";
import { inBackground, notMissed } from "../../async/in-background.ts";
import type { TaskName, Tasks } from "./tasks.ts";

export type Ask = { id: number; task: TaskName; ask: unknown };
export type Answer = { id: number; value: unknown } | { id: number; error: string };

/** The program of a worker thread, put in by the build: a daemon whose files were replaced starts the one it knows. */
declare const __HEARTH_WORKER__: string | undefined;

export type Thread = {
  /** Rejects with what went wrong there, or because the thread ended. */
  ask<Name extends TaskName>(task: Name, ask: Tasks[Name]["ask"]): Promise<Tasks[Name]["answer"]>;
  /** Ends it in the middle of whatever it does. */
  end(): void;
};

/** A thread of its own for what takes long. It keeps no process alive. */
export function startThread(): Thread {
  const worker =
    typeof __HEARTH_WORKER__ === "string"
      ? new Worker(__HEARTH_WORKER__, { eval: true, env: {} })
      : new Worker(new URL("entry.ts", import.meta.url), { env: {} });
  worker.unref();
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  let cause: Error | undefined;
  const fail = (error: Error) => {
    cause ??= error;
    for (const { reject } of waiting.values()) reject(cause);
    waiting.clear();
    worker.unref();
  };
  worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", () => fail(new Error("The worker thread ended.")));
  worker.on("message", (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in answer) asked?.reject(new Error(`A worker thread failed: ${answer.error}`));
    else asked?.resolve(answer.value);
  });
  return {
    async ask(task, ask) {
      if (cause !== undefined) throw cause;
      const id = ++lastId;
      const answered = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
      worker.ref(); // who waits for an answer gets it
      worker.postMessage({ id, task, ask } satisfies Ask);
      return (await answered) as Tasks[typeof task]["answer"]; // what `tasks` gives for it
    },
    end() {
      fail(new Error("The worker thread was ended."));
      inBackground(() => worker.terminate(), notMissed);
    },
  };
}
