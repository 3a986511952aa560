import type { PromptMessage } from "../model.ts";

/** How many messages a package converts and encodes in one turn of the event loop. */
export const SLICE_MESSAGES = 400;

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Cuts a conversation into slices that can be converted each by itself: only before an answer, because packages join
 * neighbours of a user's turn, and change an answer that is the last message. Never empty.
 */
export function slicesOf(
  messages: readonly PromptMessage[],
  size: number = SLICE_MESSAGES,
): (readonly PromptMessage[])[] {
  const slices: (readonly PromptMessage[])[] = [];
  let start = 0;
  for (let at = size; at < messages.length; at += 1) {
    if (at - start < size || messages[at]?.role !== "assistant" || messages[at - 1]?.role === "assistant")
      continue;
    slices.push(messages.slice(start, at));
    start = at;
  }
  return [...slices, messages.slice(start)];
}

/** Joins the bodies of a conversation's slices: the first one's, with the messages of all, which are under `list`. */
export function createJoinedBody(list: string) {
  const marker = `messages-of-all-slices:${crypto.randomUUID()}`;
  let around: { before: string; after: string } | undefined;
  return {
    /** The text to append for this slice's body. */
    add(body: string): string {
      const made: unknown = JSON.parse(body);
      const items = isObject(made) ? made[list] : undefined;
      if (!isObject(made) || !Array.isArray(items)) throw new Error(`a request has no list of ${list}`);
      const text = JSON.stringify(items).slice(1, -1);
      if (around !== undefined) return text === "" ? "" : `,${text}`;
      const [before = "", after = ""] = JSON.stringify({ ...made, [list]: marker }).split(`"${marker}"`);
      around = { before, after };
      return `${before}[${text}`;
    },
    end: (): string => `]${around?.after ?? ""}`,
  };
}

/** Headers of a whole request: what one slice needs (a beta of Anthropic's, for a PDF in it) the request needs. */
export function joinHeaders(all: readonly RequestInit["headers"][]): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const headers of all)
    for (const [name, value] of Object.entries((headers ?? {}) as Record<string, string>)) {
      const known = joined[name];
      if (known === undefined) joined[name] = value;
      else if (known !== value)
        joined[name] = [...new Set([...known.split(","), ...value.split(",")])].join(",");
    }
  return joined;
}
