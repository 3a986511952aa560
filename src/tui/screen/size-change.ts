import type { Caret } from "./difference.ts";
import { type OnWidth, onWidthOf, type Place, TERMINAL_QUERY } from "./place.ts";

/**
 * How long a size must last before the screen is redrawn. While a window is dragged its size keeps changing, in tmux at
 * most every 250 ms, and a drawing for a size that has passed would be wrong.
 */
const SETTLE_MS = 300;
/** After this time no reply to the cursor query is expected any more. */
const ANSWER_MS = 2000;
/** Queries the cursor's position. */
const PLACE_QUERY = "\x1b[6n";

export type SizeChange = {
  /** The window has a new width: nothing may be drawn until `onPlaced`. */
  begin(columns: number): void;
  /** Queries the position at an unchanged size. */
  locate(): void;
  /** Handles a reply of the terminal. */
  reply(sequence: string): void;
  readonly isUnderWay: boolean;
  close(): void;
};

/** Waits until a size lasts, then queries the cursor's position. See decision record 007. */
export function createSizeChange(options: {
  send: (sequence: string) => void;
  /** Assumed until the terminal is identified. */
  onWidth: OnWidth;
  /** Checks for a size change that was not reported yet, and calls `begin` if there is one. */
  readSize: () => void;
  /** Called when the size has lasted; returns whether the cursor's position is needed. */
  onSettled: () => boolean;
  onPlaced: (place: Place) => void;
}): SizeChange {
  let settling: NodeJS.Timeout | undefined;
  let asking: NodeJS.Timeout | undefined;
  /** Replies that are still expected; only the last one is about the present size. */
  let open = 0;
  let answers = true;
  let { onWidth } = options;
  let hasAskedTerminal = false;
  let narrowest = Number.POSITIVE_INFINITY;

  const stop = () => {
    clearTimeout(settling);
    clearTimeout(asking);
    settling = undefined;
    asking = undefined;
  };
  const placed = (at: Caret | undefined) => {
    stop();
    const place = { at, onWidth, narrowest };
    narrowest = Number.POSITIVE_INFINITY;
    options.onPlaced(place);
  };
  const giveUp = () => {
    // A reply may have come while this process was stopped: read input first.
    const asked = asking;
    setImmediate(() => {
      if (asking !== asked || asked === undefined) return;
      answers = false;
      placed(undefined);
    });
  };
  const locate = () => {
    stop();
    if (!answers) return placed(undefined);
    open += 1;
    asking = setTimeout(giveUp, ANSWER_MS);
    // Replies come in the order of the queries.
    options.send(hasAskedTerminal ? PLACE_QUERY : TERMINAL_QUERY + PLACE_QUERY);
    hasAskedTerminal = true;
  };
  return {
    begin(columns) {
      stop();
      narrowest = Math.min(narrowest, columns);
      settling = setTimeout(() => {
        settling = undefined;
        options.readSize();
        if (settling === undefined && options.onSettled()) locate();
      }, SETTLE_MS);
    },
    locate,
    reply(sequence) {
      onWidth = onWidthOf(sequence) ?? onWidth;
      const place = /^\[(\d+);(\d+)R$/.exec(sequence);
      if (place === null || open === 0) return;
      open -= 1;
      answers = true;
      if (asking === undefined || open > 0) return;
      // The reply counts only if the window's size has not changed since.
      options.readSize();
      if (settling !== undefined) return;
      placed({ row: Number(place[1]) - 1, column: Number(place[2]) - 1 });
    },
    get isUnderWay() {
      return settling !== undefined || asking !== undefined;
    },
    close: stop,
  };
}
