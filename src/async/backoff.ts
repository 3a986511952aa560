export type Backoff = {
  firstMs: number;
  maxMs: number;
  /** How far a delay may lie from its full length, as a part of it. 0: exactly on it. */
  jitter?: { below: number; above: number };
};

/** Keeps the power finite; every delay has reached its bound by then. */
const DOUBLINGS_MAX = 30;

/** How long to wait after the failure of that number, counted from 1: twice as long each time. `random` gives [0, 1). */
export function backoffMs({ firstMs, maxMs, jitter }: Backoff, failed: number, random = Math.random): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failed - 1, 0), DOUBLINGS_MAX));
  if (jitter === undefined) return full;
  return Math.round(full * (1 - jitter.below + (jitter.below + jitter.above) * random()));
}
