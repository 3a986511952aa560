import { HearthError } from "../protocol/errors.ts";
import type { RunQueueEvent } from "./run-state.ts";

/** How soon an event that the store would not take is tried again. */
const STORE_RETRY_MS = 500;

type OverdueDeps = {
  /** Throws store_unavailable, and then nothing has happened. */
  dispatch(event: RunQueueEvent, by: string | null): void;
  /** Whatever else it throws: a bug. */
  report(message: string, cause: unknown): void;
  onDrained(): void;
};

/**
 * What happens inside happens whether or not the store can be written: an event that it does not take is kept, those
 * after it wait behind it, and all are tried again until they are through.
 */
export function createOverdueEvents({ dispatch, report, onDrained }: OverdueDeps) {
  /** Oldest first. */
  const waiting: { event: RunQueueEvent; by: string | null }[] = [];
  let retry: NodeJS.Timeout | null = null;

  function drain() {
    if (retry !== null) clearTimeout(retry);
    retry = null;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      try {
        dispatch(next.event, next.by);
      } catch (error) {
        if (error instanceof HearthError && error.code === "store_unavailable") {
          retry = setTimeout(drain, STORE_RETRY_MS);
          return;
        }
        report("a run event could not be carried out", error);
      }
      waiting.shift();
    }
    onDrained();
  }

  return {
    /** At once where the store takes it. Never throws. */
    dispatchSurely(event: RunQueueEvent, by: string | null = null) {
      waiting.push({ event, by });
      drain();
    },
    /** Before anything new is taken up. Throws store_unavailable while something is overdue. */
    settle() {
      drain();
      if (waiting.length === 0) return;
      throw new HearthError(
        "store_unavailable",
        "The store cannot be written now; nothing was accepted. hearth tries again by itself.",
      );
    },
    isEmpty: () => waiting.length === 0,
  };
}
