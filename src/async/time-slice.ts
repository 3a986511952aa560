import { setImmediate as nextTurn } from "node:timers/promises";

/** How long one slice of long work may block the event loop. */
const SLICE_MS_MAX = 8;

export type TimeSlice = {
  /** Whether the slice has taken long enough. */
  isOver(): boolean;
  /** Call between two pieces of long work: yields to the event loop once the slice is over. */
  rest(): Promise<void>;
};

/** Splits long work into short slices, with the event loop's other work between them. */
export function createTimeSlice(sliceMs = SLICE_MS_MAX): TimeSlice {
  let began = performance.now();
  const isOver = () => performance.now() - began >= sliceMs;
  return {
    isOver,
    async rest() {
      if (!isOver()) return;
      await nextTurn();
      began = performance.now();
    },
  };
}
