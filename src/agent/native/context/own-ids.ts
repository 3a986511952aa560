import type { TurnHost } from "../../backend.ts";
/**
 * Returns each id once: a taken id gets the first free number from 2 on. The last number of each id is remembered,
 * because a server that gives all calls the same id would otherwise cost a search per call.
 */
export function createOwnIds(numbered: (id: string, n: number) => string) {
  const lastNumbers = new Map<string, number>();
  return {
    /** Marks an id as taken. */
    take(id: string): void {
      if (!lastNumbers.has(id)) lastNumbers.set(id, 1);
    },
    give(wanted: string): string {
      let id = wanted;
      let n = lastNumbers.get(wanted);
      if (n !== undefined) {
        do id = numbered(wanted, ++n);
        while (lastNumbers.has(id));
        lastNumbers.set(wanted, n);
      }
      lastNumbers.set(id, 1);
      return id;
    },
  };
}
export type OwnIds = ReturnType<typeof createOwnIds>;

/** The ids of the session's tool calls. */
export function createIdClaims(transcript: ReturnType<TurnHost["transcript"]>) {
  const ids = createOwnIds((id, n) => `${id}_${n}`);
  for (const message of transcript)
    for (const part of message.parts) if (part.type === "tool_call") ids.take(part.tool_call_id);
  return (wanted: string): string => ids.give(wanted === "" ? "call" : wanted);
}
