import type { ModelFailure } from "./models/failure.ts";

const FIRST_DELAY_MS = 2_000;
const DELAY_MS_MAX = 60_000;
const JITTER = 0.2;
/** Waiting longer than this for one request is the user's decision, not ours. */
const TOLD_DELAY_MS_MAX = 5 * 60_000;
/** A told delay of nothing still leaves the provider a moment. */
const DELAY_MS_MIN = 250;
/** An answer that was cut off has cost money: fewer tries than for one that never began. */
const RETRIES_AFTER_FIRST_BYTE = 4;

export type RetryPlan =
  | { again: true; delayMs: number; retriesMax: number }
  /** `toldTooLong`: the provider asks for more patience than we have. */
  | { again: false; toldTooLong: boolean };

type Attempt = {
  failure: Pick<ModelFailure, "isRetryable" | "retryAfterMs" | "triesMax">;
  /** Failures in a row, this one included. */
  failed: number;
  /** Something of the answer had arrived. */
  hasStreamed: boolean;
  retriesMax: number;
};

/** Whether and when to ask again. Pure; `random` gives [0, 1). */
export function planRetry(
  { failure, failed, hasStreamed, retriesMax }: Attempt,
  random: () => number,
): RetryPlan {
  const allowed = Math.min(
    retriesMax,
    hasStreamed ? RETRIES_AFTER_FIRST_BYTE : retriesMax,
    failure.triesMax === undefined ? retriesMax : failure.triesMax - 1,
  );
  if (!failure.isRetryable || failed > allowed) return { again: false, toldTooLong: false };
  const told = failure.retryAfterMs;
  if (told !== undefined) {
    if (told > TOLD_DELAY_MS_MAX) return { again: false, toldTooLong: true };
    return { again: true, delayMs: Math.max(told, DELAY_MS_MIN), retriesMax: allowed };
  }
  const base = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failed - 1, 16), DELAY_MS_MAX);
  return {
    again: true,
    delayMs: Math.round(base * (1 - JITTER + 2 * JITTER * random())),
    retriesMax: allowed,
  };
}

/** "Anthropic: 529 overloaded · retry 2/6 in 8 s" */
export function retryNotice(
  label: string,
  brief: string,
  failed: number,
  plan: { delayMs: number; retriesMax: number },
) {
  const seconds = plan.delayMs < 950 ? (plan.delayMs / 1000).toFixed(1) : Math.round(plan.delayMs / 1000);
  return `${label}: ${brief} · retry ${failed}/${plan.retriesMax} in ${seconds} s`;
}
