import { uptime } from "node:os";

/**
 * Two clocks that nobody sets: `awakeMs` stands still while a laptop sleeps, `bootMs` does not. A person or a time
 * server that moves the time of day concerns neither.
 */
export type Clocks = { awakeMs(): number; bootMs(): number };

const systemClocks: Clocks = { awakeMs: () => performance.now(), bootMs: () => uptime() * 1000 };
/** Differences below this are how finely the two clocks are read. */
const ASLEEP_MS_MIN = 1_000;

/**
 * Timers of the system stand still while a laptop sleeps; looking at the clock this often, a stalled stream is
 * noticed within this time after waking.
 */
const TICK_MS_MAX = 5_000;

type WatchLimits = {
  /** Silence before anything has come. */
  firstByteMs: number;
  /** Silence after that. */
  progressMs: number;
  /** Silence that a person should know of. */
  noticeMs: number;
};

export type Watch = {
  /** The model said something. What keeps a connection alive (pings, comments) does not count. */
  progress(): void;
  stop(): void;
};

/** When the next look at the clock is due, and what the silence means by now. Pure. */
export function judgeSilence(
  { silentMs, hasBegun, wasTold }: { silentMs: number; hasBegun: boolean; wasTold: boolean },
  limits: WatchLimits,
): { verdict: "fine" | "tell" | "stalled"; nextMs: number } {
  const limitMs = hasBegun ? limits.progressMs : limits.firstByteMs;
  if (silentMs >= limitMs) return { verdict: "stalled", nextMs: 0 };
  const tells = !wasTold && silentMs >= limits.noticeMs;
  const untilNotice = wasTold || tells ? limitMs : limits.noticeMs - silentMs;
  return {
    verdict: tells ? "tell" : "fine",
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
  /** How far the clocks are apart: more than at the last look means that the machine has slept. */
  let apart = bootMs() - last;
  let asleepMs = 0;
  let hasHeard = false;
  let hasBegun = false;
  let wasTold = false;
  let timer: NodeJS.Timeout | undefined;

  function look() {
    const at = awakeMs();
    const slept = bootMs() - at - apart;
    apart += slept;
    // A sleep that something was heard after is over; reading that clock at every word would cost more than words do.
    if (slept >= ASLEEP_MS_MIN && !hasHeard) asleepMs += slept;
    hasHeard = false;
    const silentMs = at - last + asleepMs;
    const { verdict, nextMs } = judgeSilence({ silentMs, hasBegun, wasTold }, limits);
    if (verdict === "stalled") return on.stall(silentMs);
    timer = setTimeout(look, nextMs);
    if (verdict === "tell") {
      wasTold = true;
      on.quiet(silentMs, hasBegun ? limits.progressMs : limits.firstByteMs);
    }
  }
  look();

  return {
    progress() {
      last = awakeMs();
      asleepMs = 0;
      hasHeard = true;
      hasBegun = true;
      wasTold = false;
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
