// Apart from the message schema, so that a client can print a message without loading zod.
import type { Message } from "./message.ts";

/** The text of a message: its text parts, joined by blank lines. */
export const messageText = ({ parts }: Pick<Message, "parts">): string =>
  parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
