/** Between two questions: who types fast asks for what they have typed by then. */
const PAUSE_MS = 100;

/**
 * Asks for files while a person types behind an `@`: at once, then at most ten times a second, one question at a
 * time, and always for the newest text. `ask` takes what has been answered; it never rejects.
 */
export function createFileFinder(
  ask: (query: string, signal: AbortSignal) => Promise<void>,
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
    void ask(query, AbortSignal.any([signal, mine.signal]));
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
