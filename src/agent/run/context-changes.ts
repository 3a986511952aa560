import type { ContextChange, Message } from "../../protocol/message.ts";

/** The codes of notices that change what the model is sent. */
export const COMPACT_ASKED = "compact";
export const COMPACTED = "compaction";
export const PRUNED = "pruned";

type Of<K extends ContextChange["kind"]> = Extract<ContextChange, { kind: K }>;
/** A change that was not taken back, and the message that made it. */
export type Made<K extends ContextChange["kind"]> = {
  readonly change: Of<K>;
  readonly message: Message;
  readonly position: number;
};

/** What was changed by this message, in order. */
function changesIn(message: Message): { change: ContextChange; position: number }[] {
  return message.parts.flatMap((part, position) =>
    part.type === "notice" && part.context !== undefined ? [{ change: part.context, position }] : [],
  );
}

/** What a person asked to keep, if the message asks for a compaction. */
export function askedToKeep(message: Message): string | undefined {
  if (message.role !== "user") return undefined;
  const asked = changesIn(message).find(({ change }) => change.kind === "asked");
  return asked?.change.kind === "asked" ? asked.change.keep : undefined;
}

/** The conversation without the turns that only compacted it. */
export function spokenOf(transcript: readonly Message[]): readonly Message[] {
  const runs = new Set(transcript.flatMap((m) => (askedToKeep(m) === undefined ? [] : [m.run_id])));
  return runs.size === 0 ? transcript : transcript.filter(({ run_id }) => !runs.has(run_id));
}

/** The newest change of these kinds that was not taken back. */
export function lastChange<K extends "compacted" | "pruned">(
  transcript: readonly Message[],
  ...kinds: K[]
): Made<K> | undefined {
  const wanted: readonly string[] = kinds;
  for (const message of transcript.toReversed())
    for (const { change, position } of changesIn(message).reverse())
      if (wanted.includes(change.kind) && change.kind !== "asked" && change.undone !== true)
        return { change: change as Of<K>, message, position };
  return undefined;
}

/** Whether a person or a tool has said something since the last compaction, so that another may make sense. */
export function hasNewSince(transcript: readonly Message[], last: Made<"compacted"> | undefined): boolean {
  if (last === undefined) return transcript.some(({ role }) => role === "assistant");
  return spokenOf(transcript).some(
    ({ seq, role, parts }) =>
      seq >= last.message.seq &&
      (role === "user" ||
        parts.some(({ type }, at) => type === "tool_call" && (seq > last.message.seq || at > last.position))),
  );
}

/** The message with its newest change of what the model is sent taken back. */
export function withoutChange(
  { message, position }: Omit<Made<"compacted" | "pruned">, "change">,
  at: string,
): Message {
  const parts = message.parts.map((part, index) => {
    if (index !== position || part.type !== "notice" || part.context === undefined) return part;
    if (part.context.kind === "asked") return part;
    return { ...part, text: `${part.text} · taken back`, context: { ...part.context, undone: true } };
  });
  return { ...message, parts, updated_at: at };
}
