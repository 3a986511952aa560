import { ignoreError, inBackground } from "../../async/in-background.ts";

/** The shortest time between two requests. */
const PAUSE_MS = 100;

/** The daemon may still be listing files: after this time the same request can return more. */
const AGAIN_MS = 250;

/**
 * Requests matching files while a person types after an `@`: at once, then at most ten times a second, one request at
 * a time, always for the newest text. `ask` handles the answer and returns whether it was incomplete and the request
 * is to be repeated; it never rejects.
 */
export function createFileFinder(
  ask: (query: string, signal: AbortSignal) => Promise<{ askAgain: boolean }>,
  signal: AbortSignal,
): { find(query: string): void } {
  let wanted: string | undefined;
  let isPausing = false;
  let asked: AbortController | undefined;

  function next(): void {
    if (wanted === undefined || isPausing || signal.aborted) return;
    const query = wanted;
    wanted = undefined;
    isPausing = true;
    // The running request is about older text.
    asked?.abort();
    const mine = new AbortController();
    asked = mine;
    inBackground(async () => {
      const { askAgain } = await ask(query, AbortSignal.any([signal, mine.signal]));
      if (!askAgain) return;
      const again = setTimeout(() => {
        if (asked !== mine || wanted !== undefined) return;
        wanted = query;
        next();
      }, AGAIN_MS);
      again.unref();
    }, ignoreError);
    const timer = setTimeout(() => {
      isPausing = false;
      next();
    }, PAUSE_MS);
    timer.unref();
  }

  return {
    find(query) {
      wanted = query;
      next();
    },
  };
}
