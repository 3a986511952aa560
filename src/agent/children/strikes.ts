import { backoffMs } from "../../async/backoff.ts";

/** How often an agent's child has failed in a row, and when last. */
export type Strikes = { count: number; at: number; why: string };

/** So many in a row, and prompts are refused at once while the delay lasts, instead of waiting for it. */
const STRIKES_MAX = 3;
const DELAY = { firstMs: 1000, maxMs: 60_000 };

export const addStrike = (before: Strikes | undefined, at: number, why: string): Strikes => ({
  count: (before?.count ?? 0) + 1,
  at,
  why,
});

/** How long the next start has to wait: 1, 2, 4 … 60 s after the last failure. */
export function delayLeftMs(strikes: Strikes | undefined, now: number): number {
  if (strikes === undefined) return 0;
  return Math.max(0, strikes.at + backoffMs(DELAY, strikes.count) - now);
}

export const isOut = (strikes: Strikes | undefined): strikes is Strikes =>
  strikes !== undefined && strikes.count >= STRIKES_MAX;
