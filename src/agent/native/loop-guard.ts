/** A finished tool call, reduced to what is needed to detect loops. */
export type CallTrace = {
  /** The same call with the same result has the same signature. */
  signature: string;
  /** The call in a few words, for a person. */
  label: string;
  /** Tool and class of its error; null if it succeeded. */
  failure: string | null;
};

const chance =
  /\b(after|since) \d[\d.]* m?s\b|\b\d+\.\d+ ?(ms|s|sec|secs|seconds|m|min)\b|\b\d+ ?(ms|µs|us|ns)\b|\b\d+m\d+\.\d+s\b|\b\d{1,2}:\d{2}:\d{2}([.,]\d+)?|\bjob\d+\b|\b[a-z]+-[0-9a-f]{16}\.txt\b/g;

/** A result without what always varies: durations, times of day, random names. */
export const withoutChance = (text: string): string => text.replace(chance, "…");

export type GuardState = {
  /** Signatures of the last calls, oldest first. */
  recent: readonly string[];
  failuresInRow: number;
  sameFailuresInRow: number;
  lastFailure: string | null;
};

export type GuardVerdict =
  | { kind: "fine" }
  /** Tell the model; the turn goes on. */
  | { kind: "remind"; text: string }
  /** The model repeats itself: a person decides, and without one the turn ends. `text` is for the person. */
  | { kind: "stuck"; text: string };

export const guardStart: GuardState = {
  recent: [],
  failuresInRow: 0,
  sameFailuresInRow: 0,
  lastFailure: null,
};

const WINDOW_CALLS = 12;
const IN_WINDOW_MAX = 6;
const IN_ROW_MAX = 3;
const SAME_FAILURES_TO_REMIND = 3;
const FAILURES_TO_STOP = 10;

function isLoop(recent: readonly string[], signature: string): boolean {
  const tail = recent.slice(-IN_ROW_MAX);
  if (tail.length === IN_ROW_MAX && tail.every((seen) => seen === signature)) return true;
  return recent.filter((seen) => seen === signature).length >= IN_WINDOW_MAX;
}

/** Judges the calls of one step. Equal calls within a step count once. After a loop the count starts again. */
export function judgeCalls(
  state: GuardState,
  calls: readonly CallTrace[],
): { state: GuardState; verdict: GuardVerdict } {
  let { recent, failuresInRow, sameFailuresInRow, lastFailure } = state;
  let verdict: GuardVerdict = { kind: "fine" };
  const once = new Map(calls.map((call) => [call.signature, call]));
  for (const [signature, { label }] of once) {
    recent = [...recent, signature].slice(-WINDOW_CALLS);
    if (!isLoop(recent, signature)) continue;
    recent = [];
    verdict = {
      kind: "stuck",
      text: `The model keeps making the same tool call with the same result: ${label}`,
    };
  }
  for (const { failure } of calls) {
    failuresInRow = failure === null ? 0 : failuresInRow + 1;
    sameFailuresInRow = failure === null ? 0 : failure === lastFailure ? sameFailuresInRow + 1 : 1;
    lastFailure = failure;
  }
  if (failuresInRow >= FAILURES_TO_STOP) {
    verdict = { kind: "stuck", text: `The last ${failuresInRow} tool calls all failed.` };
    failuresInRow = 0;
  } else if (
    verdict.kind === "fine" &&
    lastFailure !== null &&
    sameFailuresInRow >= SAME_FAILURES_TO_REMIND &&
    sameFailuresInRow % SAME_FAILURES_TO_REMIND === 0
  )
    verdict = {
      kind: "remind",
      text: `The last ${sameFailuresInRow} calls failed in the same way (${lastFailure}). Read the error and look at the actual state before you call again; if it cannot work, say so.`,
    };
  return { state: { recent, failuresInRow, sameFailuresInRow, lastFailure }, verdict };
}
