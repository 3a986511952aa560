/** Reads what a provider says about when to try again. */

const finite = (value: number): number | undefined =>
  Number.isFinite(value) && value >= 0 ? value : undefined;

function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : undefined;
}

/**
 * Milliseconds to wait, or undefined when nothing usable is said: `retry-after-ms`, `retry-after` in seconds or
 * as a date, or Google's `retryDelay` in the body. Negative, past and garbled values count as not said.
 */
export function retryAfterOf(
  headers: Readonly<Record<string, unknown>>,
  body: string,
  now: number,
): number | undefined {
  const inMs = headerOf(headers, "retry-after-ms");
  if (inMs !== undefined && /^\d+(\.\d+)?$/.test(inMs)) return finite(Math.round(Number(inMs)));
  const value = headerOf(headers, "retry-after");
  if (value !== undefined && /^\d+(\.\d+)?$/.test(value)) return finite(Math.round(Number(value) * 1000));
  // Only what looks like an HTTP date: Date.parse takes "-1" and "5 apples" for years.
  if (value !== undefined && /\d{4}.*\d{2}:\d{2}/.test(value)) {
    const at = Date.parse(value);
    if (Number.isFinite(at) && at > now) return at - now;
  }
  const delay = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1];
  return delay === undefined ? undefined : finite(Math.round(Number(delay) * 1000));
}
