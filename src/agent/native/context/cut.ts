import type { Message } from "../../../protocol/message.ts";
import { lastChange, spokenOf } from "../../run/context-changes.ts";

/** What is left out of a conversation's requests. */
export type ConversationCut = {
  /** Stands for the messages before `fromSeq`. */
  head: string | undefined;
  fromSeq: number;
  /** Long outputs of tools are left out of messages with a lower seq. */
  prunedBefore: number;
  /** Providers' token counts of earlier messages are those of a longer conversation. */
  validFrom: number;
};

/** What is left out by the changes that the transcript tells of. */
export function cutOf(transcript: readonly Message[]): ConversationCut {
  const compacted = lastChange(transcript, "compacted");
  const pruned = lastChange(transcript, "pruned");
  return {
    head: compacted?.change.head,
    fromSeq: compacted?.change.from_seq ?? 0,
    prunedBefore: pruned?.change.before_seq ?? 0,
    validFrom: Math.max(compacted?.message.seq ?? 0, pruned?.message.seq ?? 0),
  };
}

/** The messages that are sent. */
export function sentOf(transcript: readonly Message[], { fromSeq }: ConversationCut): readonly Message[] {
  const spoken = spokenOf(transcript);
  return fromSeq === 0 ? spoken : spoken.filter(({ seq }) => seq >= fromSeq);
}
