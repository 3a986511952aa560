import type { Message } from "../../protocol/message.ts";
import { messageText } from "../../protocol/message-text.ts";

/** Notices at the end of an answer that goes on in the next message. */
const goesOn: ReadonlySet<string> = new Set(["retry", "fallback", "continued"]);

/** The answer was cut off, by its provider or at the output limit, and goes on in the next message. */
const wasCut = ({ parts }: Message): boolean => {
  const last = parts.at(-1);
  return last?.type === "notice" && goesOn.has(last.code);
};

/** The text of `message` together with the cut-off messages that it continues; `messages` are those of its turn. */
export function answerText(messages: readonly Message[], message: Message): string {
  const before = messages.filter(({ id }) => id !== message.id);
  const from = before.findLastIndex((earlier) => !wasCut(earlier)) + 1;
  return [...before.slice(from), message].map(messageText).join("");
}
