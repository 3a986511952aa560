import type { RequestMeta } from "../../protocol/request.ts";

/** The first turns fill the cache. */
const TURNS_MIN = 3;
const HIT_MIN = 0.6;
/** Providers cache nothing shorter. */
const INPUT_TOKENS_MIN = 2_000;

/** The share of a request's input that came from the provider's cache; null if there was none to speak of. */
export function cacheHitOf({ usage }: Pick<RequestMeta, "usage">): number | null {
  if (usage.input_tokens === 0) return null;
  return Math.min(1, usage.cache_read_tokens / usage.input_tokens);
}

/**
 * Why the last request should have found more in the provider's cache; undefined if all is well, or if the provider does
 * not cache. `steps`: the session's requests, oldest first.
 */
export function cacheAlarm(steps: readonly RequestMeta[]): string | undefined {
  const last = steps.at(-1);
  const before = steps.at(-2);
  if (last === undefined || before === undefined) return undefined;
  const turns = new Set(steps.map(({ run_id }) => run_id)).size;
  const hit = cacheHitOf(last);
  if (turns <= TURNS_MIN || hit === null || hit >= HIT_MIN) return undefined;
  if (last.usage.input_tokens < INPUT_TOKENS_MIN) return undefined;
  const isCached = steps.some(({ usage }) => usage.cache_read_tokens + usage.cache_write_tokens > 0);
  // Another model has a cache of its own, and a compaction begins a new one.
  const isNew = last.model !== before.model || last.parts.summary !== before.parts.summary;
  const isSmaller = last.usage.input_tokens < before.usage.input_tokens;
  if (!isCached || isNew || isSmaller) return undefined;
  return `Only ${Math.round(hit * 100)} % of the last request came from the provider's cache: it has expired in a pause, or the beginning of the conversation has changed (\`hearth request --diff\`).`;
}
