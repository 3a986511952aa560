import type { Picture } from "../screen/difference.ts";

/** The first frame, handed over: what it drew, where its cursor is, and the bytes that were typed into it. */
export type TypedAhead = {
  /** Stops reading and drawing. Called once, by whoever takes the terminal over. */
  take(): { drawn: Picture; typed: readonly Uint8Array[] };
};
