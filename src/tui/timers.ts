import type { Effect } from "./state/effects.ts";
import { type AppState, type Flash, isBusy } from "./state/state.ts";

const TICK_MS = 1000;
/** How long an info message is shown. */
const INFO_MS = 4000;

/** What disappears or moves with time: an info message, an armed key, the clock. */
export function createTimers(options: {
  now: () => number;
  update: (change: (state: AppState) => AppState) => void;
  onTick: () => void;
}) {
  const { now, update } = options;
  let clock: NodeJS.Timeout | undefined;
  let wakeTimer: NodeJS.Timeout | undefined;
  let flashTimer: NodeJS.Timeout | undefined;
  let flash: Flash | undefined;
  let isClosed = false;

  return {
    /** Runs the clock only while something is running and visible. */
    keepClock(state: AppState): void {
      const isTicking =
        !isClosed &&
        !state.display.isStill &&
        state.focus !== "out" &&
        (isBusy(state) || state.link.state === "lost");
      if (isTicking === (clock !== undefined)) return;
      clearInterval(clock);
      clock = isTicking ? setInterval(options.onTick, TICK_MS) : undefined;
    },
    /** Clears an info message after a moment. A warning or an error stays until the next key. */
    expireFlash(state: AppState): void {
      if (state.flash === flash) return;
      clearTimeout(flashTimer);
      flash = state.flash;
      if (flash?.level !== "info" || state.armed !== undefined) return;
      const shown = flash;
      flashTimer = setTimeout(() => {
        update((later) => (later.flash === shown ? { ...later, flash: undefined } : later));
      }, INFO_MS);
    },
    /** Disarms a key whose time is over. */
    wake({ at }: Extract<Effect, { do: "wake" }>): void {
      clearTimeout(wakeTimer);
      wakeTimer = setTimeout(
        () => {
          update((state) =>
            state.armed !== undefined && now() > state.armed.until
              ? { ...state, armed: undefined, flash: undefined }
              : state,
          );
        },
        at - now() + 1,
      );
    },
    close(): void {
      isClosed = true;
      clearInterval(clock);
      clearTimeout(wakeTimer);
      clearTimeout(flashTimer);
    },
  };
}
