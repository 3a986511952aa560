import { setTimeout as passed } from "node:timers/promises";

/** Rejects with the signal's reason when it aborts first. Without `ref` the timer does not keep the process alive. */
export async function sleep(ms: number, signal?: AbortSignal, { ref } = { ref: true }): Promise<void> {
  try {
    await passed(ms, undefined, { ref, ...(signal && { signal }) });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** Waits until the time is over or the signal aborts. Never rejects. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, signal).catch(() => {});

/** Waits until the signal aborts. Never rejects. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

/**
 * Settles as the work does, or rejects with the signal's reason if that aborts first. The work itself continues: pass it
 * the signal, too, if it can be stopped. Leaves no listener behind.
 */
export async function orAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Settles as the work does, or rejects with a TimeoutError whose message begins with `what`. The work itself continues.
 * Leaves no timer behind.
 */
export async function inTime<T>(work: PromiseLike<T>, ms: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(timeoutError(`${what} within ${Math.round(ms / 1000)} s`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whether the work settles, with any result, before the time is over or the signal aborts. Leaves no timer behind.
 */
export async function settlesWithin(
  work: PromiseLike<unknown>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const over = Promise.withResolvers<void>();
  const end = () => over.resolve();
  const timer = setTimeout(end, ms);
  if (signal?.aborted) end();
  else signal?.addEventListener("abort", end, { once: true });
  const settled = Promise.resolve(work).then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, over.promise.then(() => false)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** Also true for the reason of `AbortSignal.timeout`. */
export const isTimeout = (error: unknown): error is Error =>
  error instanceof Error && error.name === "TimeoutError";

function timeoutError(message: string): Error {
  const error = new Error(message);
  error.name = "TimeoutError";
  return error;
}
