/**
 * Starts work that nobody awaits. Errors go to `onError` and never end the process. This is the only way to drop a
 * promise.
 */
export function inBackground(work: () => Promise<unknown>, onError: (error: unknown) => void): void {
  const started = async () => work();
  void started().catch(onError);
}

/** An `onError` for work whose failure needs no handling. */
export const ignoreError = (): void => {};
