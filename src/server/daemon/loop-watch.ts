import type { Log } from "./log.ts";

const TICK_MS = 100;
/** A pause longer than this is noticeable in every terminal. */
const BLOCKED_MS = 200;
/** Watching ends this long after the last work, so that an idle daemon never wakes up. */
const WATCH_MS = 2000;

type LoopWatch = {
  log: Log;
  /** The active runs, as text for a person. */
  running(): readonly string[];
  /** There is work that does not wait for a person. */
  isWorking(): boolean;
};

/**
 * Logs when the event loop was blocked, with the active runs and the requests since the last check. `cpu_ms` tells
 * whether the daemon was computing, or the machine slept or was busy with other things.
 */
export function createLoopWatch({ log, running, isWorking }: LoopWatch) {
  let timer: NodeJS.Timeout | undefined;
  let checkedAt = 0;
  let workedAt = 0;
  let cpu = process.cpuUsage();
  let requests: string[] = [];

  function check() {
    const now = performance.now();
    const blockedMs = now - checkedAt - TICK_MS;
    if (blockedMs > BLOCKED_MS) {
      const used = process.cpuUsage(cpu);
      const runs = running();
      const cpu_ms = Math.round((used.user + used.system) / 1000);
      log.warn("the event loop stood still", { ms: Math.round(blockedMs), cpu_ms, requests, runs });
    }
    requests = [];
    if (isWorking() || now - workedAt < WATCH_MS) watch();
    else timer = undefined;
  }
  function watch() {
    checkedAt = performance.now();
    cpu = process.cpuUsage();
    timer = setTimeout(check, TICK_MS);
    timer.unref();
  }

  return {
    /** A request arrived. */
    onRequest(what: string) {
      workedAt = performance.now();
      requests.push(what);
      if (timer === undefined) watch();
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
