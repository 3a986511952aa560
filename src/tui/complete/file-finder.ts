import { ignoreError, inBackground } from "../../async/in-background.ts";

/** Between two questions: who types fast asks for what they have typed by then. */
const PAUSE_MS = 100;

/** While the daemon still lists files, the same question finds more of them. */
const AGAIN_MS = 250;

/**
 * Asks for files while a person types behind an `@`: at once, then at most ten times a second, one question at a
 * time, and always for the newest text. `ask` takes what has been answered and says whether to ask again for what
 * was not listed yet; it never rejects.
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
    // An answer to what was typed before is of no use any more.
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
