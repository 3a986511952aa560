import { setImmediate as nextTurn } from "node:timers/promises";

/** How long one piece of long work may block the event loop. */
const TURN_MS_MAX = 8;

export type Turns = {
  /** Whether this turn of the event loop has taken long enough. */
  isOver(): boolean;
  /** Call between two pieces of long work: yields to the event loop once the turn is over. */
  rest(): Promise<void>;
};

/** Splits long work into short turns of the event loop. */
export function createTurns(turnMs = TURN_MS_MAX): Turns {
  let began = performance.now();
  const isOver = () => performance.now() - began >= turnMs;
  return {
    isOver,
    async rest() {
      if (!isOver()) return;
      await nextTurn();
      began = performance.now();
    },
  };
}
