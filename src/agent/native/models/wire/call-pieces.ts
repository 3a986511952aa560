import { isDeepStrictEqual } from "node:util";
import { splitJson } from "./events.ts";
import { isRecord } from "./loose.ts";

/** A tool call that arrives in pieces. */
export type CallPieces = {
  id: string;
  name: string;
  pieces: string[];
  /** Provider data that must be sent back with the call. */
  provider: Record<string, unknown> | undefined;
  isShown: boolean;
};

export const newCall = (id: string, name: string): CallPieces => ({
  id,
  name,
  pieces: [],
  provider: undefined,
  isShown: false,
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
const isEmpty = (value: unknown): boolean => isRecord(value) && Object.keys(value).length === 0;

/**
 * Joins the pieces of a call's arguments. Some servers start with `{}` and then write the arguments, repeat them in
 * full at the end, or send all text so far in each piece.
 */
export function argumentsOf({ pieces }: CallPieces): string {
  const joined = pieces.join("");
  if (pieces.length < 2 || isJson(joined)) return joined;
  const { values, rest } = splitJson(joined);
  const nonEmpty = values.filter((value) => !isEmpty(value));
  if (rest === "" && values.length > 1) {
    const [first = values[0]] = nonEmpty;
    if (nonEmpty.every((value) => isDeepStrictEqual(value, first))) return JSON.stringify(first);
  }
  const last = pieces.at(-1) ?? "";
  const before = pieces.at(-2) ?? "";
  return last.length > 1 && last.startsWith(before) && isJson(last) ? last : joined;
}

/** Whether all of a call's arguments seem to have arrived. */
export const isWholeCall = ({ pieces }: CallPieces): boolean => {
  const last = pieces.at(-1)?.trimEnd();
  return last?.endsWith("}") === true && isJson(pieces.join(""));
};
