import type { ModelSpec } from "../spec.ts";

/** How a chat server is told how hard to think. */
export type EffortField =
  /** `reasoning_effort`, as OpenAI has it. */
  | "reasoning_effort"
  /** `reasoning: { effort }`, of OpenRouter. */
  | "reasoning"
  /** `thinking: { type }`, and `reasoning_effort` besides: DeepSeek, Z.ai, Moonshot. */
  | "thinking"
  /** `enable_thinking`, and `thinking_budget` besides: Alibaba's Qwen. */
  | "enable_thinking"
  /** A variable of the model's template: what vLLM, SGLang and llama.cpp do with Qwen and GLM. */
  | "template";

/** How many tokens an effort stands for, where a model takes a number. */
const budgets: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1_024,
  low: 4_000,
  medium: 12_000,
  high: 24_000,
  xhigh: 32_000,
  max: 48_000,
};

/** The budget for an effort, within what the model takes and what is left to answer with. */
export function budgetFor(
  effort: string,
  { thinkingBudget }: Pick<ModelSpec, "thinkingBudget">,
  outputMax: number,
) {
  const wanted = budgets[effort] ?? 12_000;
  if (wanted === 0) return 0;
  // A quarter stays for the answer, which the same limit covers.
  const most = Math.min(thinkingBudget?.max ?? Number.POSITIVE_INFINITY, Math.floor(outputMax * 0.75));
  return Math.min(Math.max(wanted, thinkingBudget?.min ?? 0), most);
}

/** The fields of a chat request that ask for the spec's effort; none if nobody has chosen one. */
export function effortFields(field: EffortField, spec: ModelSpec): Readonly<Record<string, unknown>> {
  const { effort } = spec;
  if (effort === null) return {};
  const isOn = effort !== "none";
  switch (field) {
    case "reasoning_effort":
      return { reasoning_effort: effort };
    case "reasoning":
      return { reasoning: isOn ? { effort } : { enabled: false } };
    case "thinking":
      return {
        thinking: { type: isOn ? "enabled" : "disabled" },
        ...(isOn ? { reasoning_effort: effort } : {}),
      };
    case "enable_thinking":
      return {
        enable_thinking: isOn,
        ...(isOn && spec.thinkingBudget !== null
          ? { thinking_budget: budgetFor(effort, spec, spec.maxOutputTokens ?? spec.outputLimit ?? 32_000) }
          : {}),
      };
    case "template":
      return { chat_template_kwargs: { enable_thinking: isOn } };
  }
}
