import type { Picture } from "../screen/difference.ts";

/** The first frame, to be handed over to the terminal that has loaded. */
export type TypedAhead = {
  /** Stops the first frame; returns what it drew, with its cursor, and the bytes typed meanwhile. Called once. */
  take(): { drawn: Picture; typed: readonly Uint8Array[] };
};
