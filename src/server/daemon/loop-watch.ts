import type { Log } from "./log.ts";

const TICK_MS = 100;
/** What takes longer than this without a pause keeps every terminal waiting. */
const BLOCKED_MS = 200;
/** After the last sign of work the watching ends: a daemon that idles never wakes up. */
const WATCH_MS = 2000;

type LoopWatch = {
  log: Log;
  /** The runs that are going on, for a person. */
  running(): readonly string[];
  /** Something goes on that does not wait for a person. */
  isWorking(): boolean;
};

/**
 * Says in the log when the event loop stood still, and what was going on then: the requests since the last look
 * and the runs. `cpu_ms` tells a daemon that computed from a machine that slept or had no time for it.
 */
export function createLoopWatch({ log, running, isWorking }: LoopWatch) {
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = 0;
  let workedAt = 0;
  let cpu = process.cpuUsage();
  let requests: string[] = [];

  function look() {
    const now = performance.now();
    const blockedMs = now - lookedAt - TICK_MS;
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
    lookedAt = performance.now();
    cpu = process.cpuUsage();
    timer = setTimeout(look, TICK_MS);
    timer.unref();
  }

  return {
    /** Something is asked of the daemon. */
    asked(what: string) {
      workedAt = performance.now();
      requests.push(what);
      if (timer === undefined) watch();
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
