/** Reads what a provider says about when to try again. */

const finite = (value: number): number | undefined =>
  Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;

function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : undefined;
}

const msOfUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitOf = (word: string): string => (/^(ms|milli)/i.test(word) ? "ms" : word.slice(0, 1).toLowerCase());

/** "1m30.5s", "520ms", "20 seconds", "2 minutes" in milliseconds. */
function durationOf(text: string): number | undefined {
  let total: number | undefined;
  for (const [, amount, unit] of text.matchAll(
    /(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)(?![a-z])/gi,
  ))
    total = (total ?? 0) + Number(amount) * (msOfUnit[unitOf(unit ?? "")] ?? 0);
  return total === undefined ? undefined : finite(total);
}

const durationWording = /((?:\d+(?:\.\d+)?\s*(?:[a-z]+)\s*(?:,\s*|and\s+)?)+)/.source;
const waitWording = new RegExp(
  `(?:(?:try|retry)(?: your request)?(?: again)?|available|resets?|wait)(?: in| after| for)?\\s+(?:about\\s+)?${durationWording}`,
  "i",
);

/** The delay in the body: Google's `retryDelay`, a field `retry_after` in seconds, or a sentence. */
function delayInBody(body: string): number | undefined {
  const delay = /"retryDelay"\s*:\s*"([^"]{1,40})"/.exec(body)?.[1];
  if (delay !== undefined) return durationOf(delay);
  const field = /"retry_?after(?:_seconds)?"\s*:\s*"?(\d+(?:\.\d+)?)"?/i.exec(body)?.[1];
  if (field !== undefined) return finite(Number(field) * 1000);
  const words = waitWording.exec(body.slice(0, 20_000))?.[1];
  return words === undefined ? undefined : durationOf(words);
}

/**
 * Milliseconds to wait, from `retry-after-ms`, `retry-after` (seconds or a date) or the body; undefined if none is
 * usable. Negative, past and garbled values are ignored.
 */
export function retryAfterOf(
  headers: Readonly<Record<string, unknown>>,
  body: string,
  now: number,
): number | undefined {
  const inMs = headerOf(headers, "retry-after-ms");
  if (inMs !== undefined && /^\d+(\.\d+)?$/.test(inMs)) return finite(Number(inMs));
  const value = headerOf(headers, "retry-after");
  if (value !== undefined && /^\d+(\.\d+)?$/.test(value)) return finite(Number(value) * 1000);
  // Only what looks like an HTTP date: Date.parse reads "-1" and "5 apples" as years.
  if (value !== undefined && /\d{4}.*\d{2}:\d{2}/.test(value)) {
    const at = Date.parse(value);
    if (Number.isFinite(at) && at > now) return at - now;
  }
  return delayInBody(body);
}
