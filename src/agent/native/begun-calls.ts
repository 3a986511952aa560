import type { BackendEvent } from "../backend.ts";

/** About the interval at which a screen is redrawn. */
const SHOWN_AFTER_MS = 20;

/**
 * Tool calls whose arguments are still streaming. Usually they are complete at once, and the whole call is emitted with
 * its step, which saves an event and a commit. A call that takes longer is shown before it is complete.
 */
export function createBegunCalls(emit: (...events: BackendEvent[]) => void) {
  const waiting = new Map<string, BackendEvent>();
  let timer: NodeJS.Timeout | undefined;

  function end() {
    clearTimeout(timer);
    timer = undefined;
  }
  /** Emits the waiting calls; to be called before any event that comes after them. */
  function show() {
    end();
    const events = [...waiting.values()];
    waiting.clear();
    if (events.length > 0) emit(...events);
  }
  return {
    begin(id: string, event: BackendEvent) {
      waiting.set(id, event);
      timer ??= setTimeout(show, SHOWN_AFTER_MS);
    },
    show,
    /** Drops waiting calls, which are emitted whole. */
    forget(ids: readonly string[]) {
      for (const id of ids) waiting.delete(id);
    },
    end,
  };
}
