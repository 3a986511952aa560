import { Worker } from "node:worker_threads";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import type { TaskName, Tasks } from "./tasks.ts";

export type Ask = { id: number; task: TaskName; ask: unknown };
export type Answer = { id: number; value: unknown } | { id: number; error: string };

/** The program of a worker thread, embedded by the build: a running daemon stays consistent after its files were replaced. */
declare const __HEARTH_WORKER__: string | undefined;

export type Thread = {
  /** Rejects with the task's error, or when the thread ended. */
  ask<Name extends TaskName>(task: Name, ask: Tasks[Name]["ask"]): Promise<Tasks[Name]["answer"]>;
  /** Ends it at once, also in the middle of a task. */
  end(): void;
};

/** A thread for long work. It keeps the process alive only while a task is pending. */
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
      worker.ref(); // the process must not end before the answer
      worker.postMessage({ id, task, ask } satisfies Ask);
      return (await answered) as Tasks[typeof task]["answer"]; // guaranteed by `Tasks`
    },
    end() {
      fail(new Error("The worker thread was ended."));
      inBackground(() => worker.terminate(), ignoreError);
    },
  };
}
