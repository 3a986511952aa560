import type { Message } from "../../../protocol/message.ts";
import type { Block } from "./block.ts";
import {
  type BlockContext,
  blocksOf,
  createMessageFeed,
  type FeedUpdate,
  type MessageFeed,
} from "./message-blocks.ts";

/** Turns a session's messages into blocks. A later message has no closed blocks before the earlier ones are done. */
export type TranscriptFeed = {
  /**
   * Takes the present messages, in order of `seq`, without queued prompts. Messages that are done may be left out.
   */
  update(messages: readonly Message[]): FeedUpdate;
};

export function createTranscriptFeed(context: BlockContext): TranscriptFeed {
  const done = new Set<string>();
  let current: { id: string; feed: MessageFeed } | undefined;

  return {
    update(messages) {
      const waiting = messages.filter((message) => !done.has(message.id));
      // A withdrawn message must not block the others.
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
