import { HearthError } from "../../protocol/errors.ts";

/** The sentence for an expected error; anything else is reported as a bug. */
export const errorSentence = (error: unknown): string => {
  if (error instanceof HearthError) return error.message;
  return `hearth made a mistake: ${error instanceof Error ? error.message : String(error)}`;
};
