import { createTimeSlice } from "../async/time-slice.ts";
import type { Message } from "../protocol/message.ts";
import type { MessageHead } from "./store/messages.ts";
import type { Store } from "./store/open.ts";

/** Reads messages with their parts in short turns of the event loop: a page may hold tens of megabytes. */
export async function readMessages(store: Store, heads: readonly MessageHead[]): Promise<Message[]> {
  const slice = createTimeSlice();
  const messages: Message[] = [];
  for (const head of heads) {
    messages.push(store.messages.whole(head));
    await slice.rest();
  }
  return messages;
}
