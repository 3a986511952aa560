import { noUsage, type Usage } from "../../../protocol/usage.ts";
import { at, isWire, numberOf, type Wire, wireOf } from "../wire.ts";

/**
 * Agents report usage in four places: `PromptResponse.usage` (for the turn, or for its last model request),
 * `_meta.quota` of the same response (gemini), `_meta.usage` of an empty message chunk for each model request (qwen),
 * and, for cost only, `usage_update` with the session's running total (opencode, claude).
 */

/** Usage from the response to a prompt; undefined when it has no token counts. */
export function usageOfResponse(response: unknown): Usage | undefined {
  const usage = at(response, "usage");
  if (isWire(usage)) return normalizeUsage(usage);
  const quota = at(response, "_meta", "quota", "token_count");
  return isWire(quota) ? normalizeUsage(quota) : undefined;
}

/** Usage of one model request, reported during a turn. */
export function usageOfChunk(update: Wire): Usage | undefined {
  const usage = at(update, "_meta", "usage");
  return isWire(usage) ? normalizeUsage(usage) : undefined;
}

/** The session's running total in USD; undefined when it is missing or in another currency. */
export function costOfUpdate(update: Wire): number | undefined {
  const { amount, currency } = wireOf(update["cost"]);
  return currency === undefined || currency === "USD" ? numberOf(amount) : undefined;
}

/** How full the context window is; undefined when it is not reported. */
export function contextOfUpdate(update: Wire): { used: number; window: number } | undefined {
  const used = numberOf(update["used"]);
  const window = numberOf(update["size"]);
  if (used === undefined || window === undefined || used < 0 || window <= 0) return undefined;
  return { used: Math.round(used), window: Math.round(window) };
}

function normalizeUsage(raw: Wire): Usage {
  const count = (...names: string[]) => {
    for (const name of names) {
      const value = numberOf(raw[name]);
      if (value !== undefined && value >= 0) return Math.round(value);
    }
    return 0;
  };
  const input = count("inputTokens", "input_tokens");
  const output = count("outputTokens", "output_tokens");
  const read = count("cachedReadTokens", "cachedInputTokens", "cached_input_tokens");
  const write = count("cachedWriteTokens", "cacheWriteInputTokens");
  const thought = count("thoughtTokens", "reasoningOutputTokens");
  const total = count("totalTokens", "total_tokens");
  // Only the total shows whether cached and reasoning tokens are part of input and output.
  const isCacheApart = read + write > 0 && total >= input + output + read + write;
  const isThoughtApart =
    thought > 0 && total === input + output + thought + (isCacheApart ? read + write : 0);
  return {
    input_tokens: isCacheApart ? input + read + write : input,
    output_tokens: isThoughtApart ? output + thought : output,
    reasoning_tokens: thought,
    cache_read_tokens: read,
    cache_write_tokens: write,
  };
}

/**
 * How an agent reports usage in its responses: per turn, or as the session's running total. The protocol's text allows
 * both, so for an unknown agent it is inferred from the numbers.
 */
export type UsageLedger = {
  form: "turn" | "total" | "unknown";
  last: Usage | undefined;
  /** What the last turn added, if the reports are totals. */
  grewBy: Usage | undefined;
};

export const emptyLedger = (form: UsageLedger["form"]): UsageLedger => ({
  form,
  last: undefined,
  grewBy: undefined,
});

/** A context only grows, so each turn adds about as much input to a running total as the one before. */
const GROWTH_MIN = 0.9;

/** The turn's usage, from the agent's report at its end. */
export function countReport(ledger: UsageLedger, report: Usage): { ledger: UsageLedger; used: Usage } {
  const { last } = ledger;
  if (ledger.form === "turn" || last === undefined)
    return { ledger: { ...ledger, last: report, grewBy: report }, used: report };
  const grew = difference(report, last);
  const isTotal =
    grew !== undefined &&
    grew.output_tokens > 0 &&
    grew.input_tokens >= GROWTH_MIN * (ledger.grewBy?.input_tokens ?? 0);
  if (ledger.form === "unknown" && !isTotal)
    return { ledger: { form: "turn", last: report, grewBy: report }, used: report };
  // A total that shrank was reset: all of it is new.
  const used = grew ?? report;
  return { ledger: { ...ledger, last: report, grewBy: used }, used };
}

/** undefined when any value shrank. */
function difference(now: Usage, before: Usage): Usage | undefined {
  const grew: Usage = { ...noUsage };
  for (const key of Object.keys(grew) as (keyof Usage)[]) {
    grew[key] = now[key] - before[key];
    if (grew[key] < 0) return undefined;
  }
  return grew;
}

/** The growth of a running total of cost; all of it when the total was reset. */
export const costGrowth = (before: number, now: number): number => (now >= before ? now - before : now);
