import type { Message } from "../../protocol/message.ts";
import { messageText } from "../../protocol/message-text.ts";

/** It was asked again after this one, in a message of its own. */
const wasCut = ({ parts }: Message): boolean => {
  const last = parts.at(-1);
  return last?.type === "notice" && last.code === "retry";
};

/** What `message` and those that it goes on from say together; `messages` are those of its turn. */
export function answerText(messages: readonly Message[], message: Message): string {
  const before = messages.filter(({ id }) => id !== message.id);
  const from = before.findLastIndex((earlier) => !wasCut(earlier)) + 1;
  return [...before.slice(from), message].map(messageText).join("");
}
