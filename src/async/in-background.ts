/**
 * Starts work that nobody waits for. What goes wrong with it is told to `onError`, and never ends the process: the one
 * way to let go of a promise.
 */
export function inBackground(work: () => Promise<unknown>, onError: (error: unknown) => void): void {
  const started = async () => work();
  void started().catch(onError);
}

/** For what is only a convenience: nobody misses it. */
export const notMissed = (): void => {};
