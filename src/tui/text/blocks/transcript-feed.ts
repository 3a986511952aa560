import type { Message } from "../../../protocol/message.ts";
import type { Block } from "./block.ts";
import {
  type BlockContext,
  blocksOf,
  createMessageFeed,
  type FeedUpdate,
  type MessageFeed,
} from "./message-blocks.ts";

/** Follows a session's messages: nothing of a later message is closed before the earlier ones are done. */
export type TranscriptFeed = {
  /**
   * Takes the messages as they stand, in order of `seq`, without prompts that still wait in the queue. Those that
   * are done may be left out.
   */
  update(messages: readonly Message[]): FeedUpdate;
};

export function createTranscriptFeed(context: BlockContext): TranscriptFeed {
  const done = new Set<string>();
  let current: { id: string; feed: MessageFeed } | undefined;

  return {
    update(messages) {
      const waiting = messages.filter((message) => !done.has(message.id));
      // A message that was withdrawn must not hold up the rest.
      if (current !== undefined && !waiting.some((message) => message.id === current?.id))
        current = undefined;
      const closed: Block[] = [];
      const open: Block[] = [];
      for (const message of waiting) {
        if (current !== undefined && current.id !== message.id) {
          open.push(...blocksOf(message, context));
          continue;
        }
        current ??= { id: message.id, feed: createMessageFeed(context) };
        const update = current.feed.update(message);
        closed.push(...update.closed);
        open.push(...update.open);
        if (!current.feed.isDone()) continue;
        done.add(message.id);
        current = undefined;
      }
      return { closed, open };
    },
  };
}
