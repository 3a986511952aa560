import type { FinishReason } from "../../protocol/message.ts";

/** hearth remembers itself what it asked for: an agent that says "cancelled" unasked has just ended its turn. */
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
