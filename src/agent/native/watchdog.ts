import { uptime } from "node:os";

/**
 * Two monotonic clocks: `awakeMs` stands still while the machine sleeps, `bootMs` does not. Changes of the system time
 * affect neither.
 */
export type Clocks = { awakeMs(): number; bootMs(): number };

const systemClocks: Clocks = { awakeMs: () => performance.now(), bootMs: () => uptime() * 1000 };
/** Smaller differences come from the clocks' resolution. */
const ASLEEP_MS_MIN = 1_000;

/**
 * Timers stop while a machine sleeps. Checking the clock this often notices a stalled stream this soon after waking.
 */
const TICK_MS_MAX = 5_000;

type WatchLimits = {
  /** Longest silence before the first byte. */
  firstByteMs: number;
  /** Longest silence after it. */
  progressMs: number;
  /** Silence after which the person is notified. */
  noticeMs: number;
};

export type Watch = {
  /** The model sent something. Pings and comments do not count. */
  progress(): void;
  stop(): void;
};

/** When to check the clock again, and what the silence means by now. Pure. */
export function judgeSilence(
  { silentMs, hasBegun, wasNotified }: { silentMs: number; hasBegun: boolean; wasNotified: boolean },
  limits: WatchLimits,
): { verdict: "fine" | "notify" | "stalled"; nextMs: number } {
  const limitMs = hasBegun ? limits.progressMs : limits.firstByteMs;
  if (silentMs >= limitMs) return { verdict: "stalled", nextMs: 0 };
  const notifies = !wasNotified && silentMs >= limits.noticeMs;
  const untilNotice = wasNotified || notifies ? limitMs : limits.noticeMs - silentMs;
  return {
    verdict: notifies ? "notify" : "fine",
    nextMs: Math.max(1, Math.min(limitMs - silentMs, untilNotice, TICK_MS_MAX)),
  };
}

/** Watches one answer. Calls `on.quiet` once per silence and `on.stall` at most once. */
export function startWatch(
  limits: WatchLimits,
  on: { quiet(silentMs: number, limitMs: number): void; stall(silentMs: number): void },
  { awakeMs, bootMs }: Clocks = systemClocks,
): Watch {
  let last = awakeMs();
  /** The difference of the clocks; it grows while the machine sleeps. */
  let apart = bootMs() - last;
  let asleepMs = 0;
  let hasProgressed = false;
  let hasBegun = false;
  let wasNotified = false;
  let timer: NodeJS.Timeout | undefined;

  function check() {
    const at = awakeMs();
    const slept = bootMs() - at - apart;
    apart += slept;
    // A sleep before the last progress does not count. Reading that clock at every word would cost more than handling
    // the word.
    if (slept >= ASLEEP_MS_MIN && !hasProgressed) asleepMs += slept;
    hasProgressed = false;
    const silentMs = at - last + asleepMs;
    const { verdict, nextMs } = judgeSilence({ silentMs, hasBegun, wasNotified }, limits);
    if (verdict === "stalled") return on.stall(silentMs);
    timer = setTimeout(check, nextMs);
    if (verdict === "notify") {
      wasNotified = true;
      on.quiet(silentMs, hasBegun ? limits.progressMs : limits.firstByteMs);
    }
  }
  check();

  return {
    progress() {
      last = awakeMs();
      asleepMs = 0;
      hasProgressed = true;
      hasBegun = true;
      wasNotified = false;
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
