import type { FinishReason } from "../../../protocol/message.ts";

/** hearth knows itself whether it canceled. An agent that says "cancelled" without that has simply ended its turn. */
export function outcomeOf(
  stopReason: string | undefined,
): Exclude<FinishReason, "error" | "steered" | "interrupted" | "tool_use"> {
  switch (stopReason) {
    case "max_tokens":
    case "refusal":
      return stopReason;
    case "max_turn_requests":
      return "max_steps";
    default:
      return "end_turn";
  }
}
