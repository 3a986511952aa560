import type { ModelFailure } from "./models/failure.ts";

const firstDelayMs = 2_000;
const delayMsMax = 60_000;
const jitter = 0.2;
/** Waiting longer than this for one request is the user's decision, not ours. */
const toldDelayMsMax = 5 * 60_000;
/** A told delay of nothing still leaves the provider a moment. */
const delayMsMin = 250;
/** An answer that was cut off has cost money: fewer tries than for one that never began. */
const retriesAfterFirstByte = 4;

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
    hasStreamed ? retriesAfterFirstByte : retriesMax,
    failure.triesMax === undefined ? retriesMax : failure.triesMax - 1,
  );
  if (!failure.isRetryable || failed > allowed) return { again: false, toldTooLong: false };
  const told = failure.retryAfterMs;
  if (told !== undefined) {
    if (told > toldDelayMsMax) return { again: false, toldTooLong: true };
    return { again: true, delayMs: Math.max(told, delayMsMin), retriesMax: allowed };
  }
  const base = Math.min(firstDelayMs * 2 ** Math.min(failed - 1, 16), delayMsMax);
  return {
    again: true,
    delayMs: Math.round(base * (1 - jitter + 2 * jitter * random())),
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
