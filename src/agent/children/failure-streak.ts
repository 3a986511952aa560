import { backoffMs } from "../../async/backoff.ts";

/** How often an agent's child has failed in a row, and when last. */
export type FailureStreak = { count: number; at: number; why: string };

/** After this many failures in a row, prompts are refused at once during the delay instead of waiting. */
const FAILURES_MAX = 3;
const DELAY = { firstMs: 1000, maxMs: 60_000 };

export const addFailure = (before: FailureStreak | undefined, at: number, why: string): FailureStreak => ({
  count: (before?.count ?? 0) + 1,
  at,
  why,
});

/** The time until the next start: 1, 2, 4 … 60 s after the last failure. */
export function delayLeftMs(failures: FailureStreak | undefined, now: number): number {
  if (failures === undefined) return 0;
  return Math.max(0, failures.at + backoffMs(DELAY, failures.count) - now);
}

export const isSuspended = (failures: FailureStreak | undefined): failures is FailureStreak =>
  failures !== undefined && failures.count >= FAILURES_MAX;
