import type { ProcessExit } from "../process/types.ts";

export const exitText = ({ code, signal }: ProcessExit): string =>
  signal !== null ? `was ended by ${signal}` : `exited with code ${code}`;

/** What an agent wrote to its stderr, behind the sentence that says what happened to it. */
export const saidText = (tail: string): string =>
  tail === "" ? "" : `; it last said: ${tail.replace(/[.\s]+$/, "")}`;
