import { setTimeout as passed } from "node:timers/promises";

/** Rejects with the signal's reason when it aborts first. Without `ref` it keeps no process from ending. */
export async function sleep(ms: number, signal?: AbortSignal, { ref } = { ref: true }): Promise<void> {
  try {
    await passed(ms, undefined, { ref, ...(signal && { signal }) });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** Until that much time is over, or the signal aborts. Never rejects. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, signal).catch(() => {});

/** Until the signal aborts. Never rejects. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

/**
 * What comes of the work, or a rejection with the signal's reason if it aborts first. The work itself goes on: it
 * needs the signal, too, where it can be stopped. No listener is left behind.
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
 * What comes of the work, or a rejection with a TimeoutError that says `what` was not done in time. The work itself
 * goes on, and no timer is left behind.
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
 * Whether the work has settled, however it went, before that much time was over or the signal aborted. No timer is
 * left behind.
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

/** Also what the reason of `AbortSignal.timeout` is. */
export const isTimeout = (error: unknown): error is Error =>
  error instanceof Error && error.name === "TimeoutError";

function timeoutError(message: string): Error {
  const error = new Error(message);
  error.name = "TimeoutError";
  return error;
}
