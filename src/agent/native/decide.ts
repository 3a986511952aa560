import type { FinishReason } from "../../protocol/message.ts";
import type { AnswerEnd } from "./models/model.ts";

/** The loop's state between answers. */
export type LoopState = {
  /** Complete answers so far in this turn. */
  answered: number;
  emptyInRow: number;
  /** Answers in a row with calls cut off by the output limit. */
  truncatedInRow: number;
  /** Answers in a row whose text the output limit cut off. */
  cutInRow: number;
  /** The model was told, once in this turn, that a call written as text does nothing. */
  wasWarned: boolean;
};
export const loopStart: LoopState = {
  answered: 0,
  emptyInRow: 0,
  truncatedInRow: 0,
  cutInRow: 0,
  wasWarned: false,
};

export type AnswerSeen = {
  end: AnswerEnd;
  hasText: boolean;
  /** Tool calls, including those that cannot be run. */
  calls: number;
  /** Calls that the output limit cut off. */
  truncatedCalls: number;
  /** It made no tool call but wrote text that looks like one. */
  isCallLike?: boolean;
};

export type Next =
  /** Run the calls, then ask again, or end the turn as `afterwards` says. */
  | { do: "act"; afterwards: "ask" | "max_steps" | "max_tokens" }
  /** The answer was empty, was cut off, or had a call written as text: say so and ask again. */
  | { do: "nudge"; why: "empty" | "call_like" | "cut" }
  | { do: "end"; outcome: "end_turn" | "max_tokens" | "max_steps" | "refusal" }
  /** A person decides whether to go on. */
  | { do: "give_up" };

const EMPTY_IN_ROW_MAX = 3;
const TRUNCATED_IN_ROW_MAX = 3;
/** A longer text than four answers hold does not end by going on. */
const CONTINUED_MAX = 3;

/** What follows a complete answer. Pure. */
export function decide(
  state: LoopState,
  seen: AnswerSeen,
  stepsMax: number | null,
): { state: LoopState; next: Next; finishReason: FinishReason } {
  const answered = state.answered + 1;
  const isLast = stepsMax !== null && answered >= stepsMax;
  const isEmpty = seen.calls === 0 && !seen.hasText && seen.end === "stop";
  const truncatedInRow = seen.truncatedCalls > 0 ? state.truncatedInRow + 1 : 0;
  const warns = seen.isCallLike === true && seen.end === "stop" && !state.wasWarned && !isLast;
  const after: LoopState = {
    answered,
    emptyInRow: isEmpty ? state.emptyInRow + 1 : 0,
    truncatedInRow,
    cutInRow: seen.calls === 0 && seen.end === "length" ? state.cutInRow + 1 : 0,
    wasWarned: state.wasWarned || warns,
  };
  const decided = (next: Next, finishReason: FinishReason) => ({ state: after, next, finishReason });

  if (seen.end === "refusal") return decided({ do: "end", outcome: "refusal" }, "refusal");
  if (seen.calls > 0) {
    if (truncatedInRow >= TRUNCATED_IN_ROW_MAX)
      return decided({ do: "act", afterwards: "max_tokens" }, "max_tokens");
    if (isLast) return decided({ do: "act", afterwards: "max_steps" }, "max_steps");
    return decided({ do: "act", afterwards: "ask" }, "tool_use");
  }
  if (isEmpty && after.emptyInRow >= EMPTY_IN_ROW_MAX && !isLast)
    return decided({ do: "give_up" }, "tool_use");
  if (isEmpty && !isLast) return decided({ do: "nudge", why: "empty" }, "tool_use");
  if (warns) return decided({ do: "nudge", why: "call_like" }, "tool_use");
  if (seen.end === "length" && !isLast && after.cutInRow <= CONTINUED_MAX)
    return decided({ do: "nudge", why: "cut" }, "tool_use");
  if (seen.end === "length") return decided({ do: "end", outcome: "max_tokens" }, "max_tokens");
  if (isEmpty) return decided({ do: "end", outcome: "max_steps" }, "max_steps");
  return decided({ do: "end", outcome: "end_turn" }, "end_turn");
}
