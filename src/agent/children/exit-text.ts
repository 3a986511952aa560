import type { ProcessExit } from "../process/types.ts";

export const exitText = ({ code, signal }: ProcessExit): string =>
  signal !== null ? `was ended by ${signal}` : `exited with code ${code}`;

/** The end of an agent's stderr, appended to an error sentence. */
export const stderrText = (tail: string): string =>
  tail === "" ? "" : `; it last said: ${tail.replace(/[.\s]+$/, "")}`;
