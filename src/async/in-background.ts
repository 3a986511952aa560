/**
 * Starts work that nobody awaits. Errors go to `onError` and never end the process. This is the only way to drop a
 * promise.
 */
export function inBackground(work: () => Promise<unknown>, onError: (error: unknown) => void): void {
  const started = async () => work();
  void started().catch(onError);
}

/** For what is only a convenience: nobody misses it. */
export const notMissed = (): void => {};
