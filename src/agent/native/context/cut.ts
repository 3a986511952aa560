import type { Message } from "../../../protocol/message.ts";
import { lastChange, spokenOf } from "../../run/context-changes.ts";

/** What is left out of requests because the conversation was compacted. */
export type ConversationCut = {
  /** Replaces the messages before `fromSeq`. */
  head: string | undefined;
  fromSeq: number;
  /** Long outputs of tools are left out of messages with a lower seq. */
  prunedBefore: number;
  /** Token counts of messages before this one were made for the longer conversation. */
  validFrom: number;
};

/** The cut that results from the compactions in the transcript. */
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
