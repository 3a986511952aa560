export type Backoff = {
  firstMs: number;
  maxMs: number;
  /** Random deviation from the full delay, as fractions of it. */
  jitter?: { below: number; above: number };
};

/** Keeps the power finite; every delay has reached its maximum by then. */
const DOUBLINGS_MAX = 30;

/** The delay after the nth failure (`failed` counts from 1); it doubles each time. `random` returns [0, 1). */
export function backoffMs({ firstMs, maxMs, jitter }: Backoff, failed: number, random = Math.random): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failed - 1, 0), DOUBLINGS_MAX));
  if (jitter === undefined) return full;
  return Math.round(full * (1 - jitter.below + (jitter.below + jitter.above) * random()));
}
