import type { Caret } from "./difference.ts";
import { type OnWidth, onWidthOf, type Place, TERMINAL_QUERY } from "./place.ts";

/**
 * A window that is dragged tells its sizes one after the other, tmux at most every 250 ms: what is drawn before the
 * last one is known is drawn for a size that may have passed.
 */
const SETTLE_MS = 300;
/** A terminal that has not said by then where its cursor is will not say it. */
const ANSWER_MS = 2000;
/** Asks where the cursor is. */
const PLACE_QUERY = "\x1b[6n";

export type SizeChange = {
  /** The window is this wide now: nothing may be drawn until `onPlaced`. */
  begin(columns: number): void;
  /** The size is known, only where things stand is not. */
  locate(): void;
  /** Takes what the terminal has answered. */
  reply(sequence: string): void;
  readonly isUnderWay: boolean;
  close(): void;
};

/** Waits until a size lasts, then asks the terminal for its cursor. See decision record 007. */
export function createSizeChange(options: {
  send: (sequence: string) => void;
  /** Until the terminal has said more of itself. */
  onWidth: OnWidth;
  /** Has `begin` called at once when the window has a size that nobody has told of yet. */
  look: () => void;
  /** The size lasts; says whether the cursor's place is needed. */
  onSettled: () => boolean;
  onPlaced: (place: Place) => void;
}): SizeChange {
  let settling: NodeJS.Timeout | undefined;
  let asking: NodeJS.Timeout | undefined;
  /** Answers that are on their way; only the last one is about the size as it is. */
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
    // An answer may have come while this process was not running: it is read first.
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
    // Answers come in the order of the questions.
    options.send(hasAskedTerminal ? PLACE_QUERY : TERMINAL_QUERY + PLACE_QUERY);
    hasAskedTerminal = true;
  };
  return {
    begin(columns) {
      stop();
      narrowest = Math.min(narrowest, columns);
      settling = setTimeout(() => {
        settling = undefined;
        options.look();
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
      // The answer is of use only when it is about the size that the window has now.
      options.look();
      if (settling !== undefined) return;
      placed({ row: Number(place[1]) - 1, column: Number(place[2]) - 1 });
    },
    get isUnderWay() {
      return settling !== undefined || asking !== undefined;
    },
    close: stop,
  };
}
