import type { TaskName, Tasks } from "./tasks.ts";
import { startThread, type Thread } from "./thread.ts";

export type WorkerPool = {
  /** Throws the signal's reason when it aborts: the work stops then, it is not only given up. */
  run<Name extends TaskName>(
    task: Name,
    ask: Tasks[Name]["ask"],
    signal: AbortSignal,
  ): Promise<Tasks[Name]["answer"]>;
};

/** As many as can be of use beside the daemon's own thread without slowing it down. */
const THREADS_MAX = 2;
/** Starting one takes some 30 ms and keeping one some 10 MB. */
const IDLE_MS = 10_000;

/** Threads for work that could hold up everybody. They are started when there is work and end when there is none. */
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
  async function turn(signal: AbortSignal): Promise<void> {
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
  function next() {
    const waiting = queue.shift();
    if (waiting === undefined) busy--;
    else waiting();
  }

  return {
    async run(task, ask, signal) {
      await turn(signal);
      const thread = take();
      const onAbort = () => thread.end();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const answer = await thread.ask(task, ask);
        giveBack(thread);
        return answer;
      } catch (error) {
        thread.end(); // whatever state it is in
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
        next();
      }
    },
  };
}
