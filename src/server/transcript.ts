import type { MessageId, SessionId } from "../protocol/ids.ts";
import type { Message } from "../protocol/message.ts";
import { readMessages } from "./read-messages.ts";
import type { MessageHead } from "./store/messages.ts";
import type { Store } from "./store/open.ts";

/** A session's messages for its agents, oldest first, without prompts that wait or were withdrawn. */
export function createTranscript(store: Store, sid: SessionId) {
  /** Settled messages that were read ahead. */
  const ahead = new Map<MessageId, Message>();

  const heads = (): MessageHead[] => {
    const unstarted = store.runs.unstarted(sid);
    return store.messages
      .heads(sid, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
      .filter(({ run_id }) => !unstarted.has(run_id));
  };

  function wholeOf(head: MessageHead): Message {
    const read = ahead.get(head.id);
    const isSame = read !== undefined && read.seq === head.seq && read.updated_at === head.updated_at;
    return isSame ? read : store.messages.whole(head);
  }

  return {
    async readAhead(): Promise<void> {
      const settled = heads().filter(({ completed_at }) => completed_at !== null);
      for (const message of await readMessages(store, settled)) ahead.set(message.id, message);
    },
    load(): Message[] {
      const messages = heads().map(wholeOf);
      ahead.clear();
      return messages;
    },
  };
}
