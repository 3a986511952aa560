import type { BackendEvent } from "../backend.ts";

/** A screen is drawn anew as often. */
const SHOWN_AFTER_MS = 20;

/**
 * Calls whose arguments still come. Mostly they are there at once, and the call is told whole with its step: one
 * commit and one event fewer. A call that takes longer is shown meanwhile.
 */
export function createBegunCalls(emit: (...events: BackendEvent[]) => void) {
  const untold = new Map<string, BackendEvent>();
  let timer: NodeJS.Timeout | undefined;

  function end() {
    clearTimeout(timer);
    timer = undefined;
  }
  /** Before anything else is told that stands behind them. */
  function show() {
    end();
    const events = [...untold.values()];
    untold.clear();
    if (events.length > 0) emit(...events);
  }
  return {
    begin(id: string, told: BackendEvent) {
      untold.set(id, told);
      timer ??= setTimeout(show, SHOWN_AFTER_MS);
    },
    show,
    /** They are told whole. */
    forget(ids: readonly string[]) {
      for (const id of ids) untold.delete(id);
    },
    end,
  };
}
