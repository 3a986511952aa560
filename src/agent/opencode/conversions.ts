import type { FinishReason } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import { noUsage, type Usage } from "../../protocol/usage.ts";
import type { Tokens } from "./wire.ts";

/** opencode's reason for the end of a step. */
export function finishReason(reason: string | undefined): FinishReason {
  if (reason === "tool-calls") return "tool_use";
  if (reason === "length") return "max_tokens";
  return reason === "content-filter" ? "refusal" : "end_turn";
}

/** opencode counts cached input and reasoning separately; hearth counts them as part of input and output. */
export const usageOf = ({ input, output, reasoning, cache }: Tokens): Usage => {
  const usage = {
    input_tokens: whole(input + cache.read + cache.write),
    output_tokens: whole(output + reasoning),
    reasoning_tokens: whole(reasoning),
    cache_read_tokens: whole(cache.read),
    cache_write_tokens: whole(cache.write),
  };
  return usage.input_tokens + usage.output_tokens > 0 ? usage : noUsage; // zeros mean that it does not know
};
const whole = (count: number): number => Math.max(0, Math.round(count));

export const planEntries = (todos: readonly { content: string; status: string }[]): Plan["entries"] =>
  todos
    .filter(({ status }) => status !== "cancelled")
    .map(({ content, status }) => ({
      content,
      status: status === "completed" || status === "in_progress" ? status : "pending",
    }));
