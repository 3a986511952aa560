import { setImmediate as nextTurn } from "node:timers/promises";

/** As long may one piece of long work keep everybody else waiting. */
const TURN_MS_MAX = 8;

export type Turns = {
  /** This turn has taken long enough. */
  isOver(): boolean;
  /** Between two pieces of long work: everybody else goes first once the turn is over. */
  rest(): Promise<void>;
};

/** Long work of one piece after another, in turns of the event loop that are short for everybody else. */
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
