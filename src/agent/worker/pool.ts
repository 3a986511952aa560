import type { TaskName, Tasks } from "./tasks.ts";
import { startThread, type Thread } from "./thread.ts";

export type WorkerPool = {
  /** Throws the signal's reason when it aborts; the work itself is stopped, too. */
  run<Name extends TaskName>(
    task: Name,
    ask: Tasks[Name]["ask"],
    signal: AbortSignal,
  ): Promise<Tasks[Name]["answer"]>;
};

/** More would slow down the daemon's own thread. */
const THREADS_MAX = 2;
/** Starting a thread takes some 30 ms, keeping one some 10 MB. */
const IDLE_MS = 10_000;

/** Threads for work that could block the event loop. They start on demand and end when idle. */
export function createWorkerPool(threadsMax = THREADS_MAX, idleMs = IDLE_MS): WorkerPool {
  const idle: { thread: Thread; timer: NodeJS.Timeout }[] = [];
  const queue: (() => void)[] = [];
  let busy = 0;

  function take(): Thread {
    const free = idle.pop();
    clearTimeout(free?.timer);
    return free?.thread ?? startThread();
  }
  function giveBack(thread: Thread) {
    const timer = setTimeout(() => {
      idle.splice(idle.indexOf(entry), 1);
      thread.end();
    }, idleMs);
    timer.unref();
    const entry = { thread, timer };
    idle.push(entry);
  }
  async function acquireSlot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (busy < threadsMax) {
      busy++;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      queue.splice(queue.indexOf(resolve), 1);
      reject(signal.reason);
    };
    queue.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", onAbort));
  }
  function releaseSlot() {
    const waiting = queue.shift();
    if (waiting === undefined) busy--;
    else waiting();
  }

  return {
    async run(task, ask, signal) {
      await acquireSlot(signal);
      const thread = take();
      const onAbort = () => thread.end();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const answer = await thread.ask(task, ask);
        giveBack(thread);
        return answer;
      } catch (error) {
        thread.end(); // its state is unknown
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
        releaseSlot();
      }
    },
  };
}
