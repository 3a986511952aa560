import { noUsage, type Usage } from "../../protocol/usage.ts";
import { at, isWire, numberOf, type Wire, wireOf } from "./wire.ts";

/**
 * Agents tell what they used in four places: `PromptResponse.usage` (of the turn, or of its last request to the
 * model), `_meta.quota` of the same response (gemini), `_meta.usage` of an empty message chunk for each request
 * (qwen), and, for the cost alone, `usage_update` with the session's running total (opencode, claude).
 */

/** Of the response to a prompt; undefined when it says nothing of tokens. */
export function usageOfResponse(response: unknown): Usage | undefined {
  const usage = at(response, "usage");
  if (isWire(usage)) return normalizeUsage(usage);
  const quota = at(response, "_meta", "quota", "token_count");
  return isWire(quota) ? normalizeUsage(quota) : undefined;
}

/** Of one request to the model, told in the middle of a turn. */
export function usageOfChunk(update: Wire): Usage | undefined {
  const usage = at(update, "_meta", "usage");
  return isWire(usage) ? normalizeUsage(usage) : undefined;
}

/** The session's running total in USD; undefined when it is not told, or told in another currency. */
export function costOfUpdate(update: Wire): number | undefined {
  const { amount, currency } = wireOf(update["cost"]);
  return currency === undefined || currency === "USD" ? numberOf(amount) : undefined;
}

/** How full the model's window is; undefined when that is not told. */
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
  // Whether the cached and the thinking tokens are among the others, only the sum can tell.
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
 * What is known of an agent's way of telling usage with its responses: figures of the turn, or the session's
 * running total. The protocol's own text says both, so that an agent that nobody knows is judged by what it says.
 */
export type UsageLedger = {
  form: "turn" | "total" | "open";
  last: Usage | undefined;
  /** What the last turn added, taken as a total. */
  grewBy: Usage | undefined;
};

export const emptyLedger = (form: UsageLedger["form"]): UsageLedger => ({
  form,
  last: undefined,
  grewBy: undefined,
});

/** A context only grows, so that each turn of a running total adds about as much input as the one before. */
const GROWTH_MIN = 0.9;

/** What the turn used, by the agent's report at its end. */
export function countReport(ledger: UsageLedger, report: Usage): { ledger: UsageLedger; used: Usage } {
  const { last } = ledger;
  if (ledger.form === "turn" || last === undefined)
    return { ledger: { ...ledger, last: report, grewBy: report }, used: report };
  const grew = difference(report, last);
  const isTotal =
    grew !== undefined &&
    grew.output_tokens > 0 &&
    grew.input_tokens >= GROWTH_MIN * (ledger.grewBy?.input_tokens ?? 0);
  if (ledger.form === "open" && !isTotal)
    return { ledger: { form: "turn", last: report, grewBy: report }, used: report };
  // A total that shrank was begun anew: all of it is new.
  const used = grew ?? report;
  return { ledger: { ...ledger, last: report, grewBy: used }, used };
}

/** Undefined when anything shrank. */
function difference(now: Usage, before: Usage): Usage | undefined {
  const grew: Usage = { ...noUsage };
  for (const key of Object.keys(grew) as (keyof Usage)[]) {
    grew[key] = now[key] - before[key];
    if (grew[key] < 0) return undefined;
  }
  return grew;
}

/** What a running total of the cost has grown by; all of it when it began anew. */
export const costGrowth = (before: number, now: number): number => (now >= before ? now - before : now);
