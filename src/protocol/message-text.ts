// Apart from the schema of a message: a client that prints one need not load zod.
import type { Message } from "./message.ts";

/** The text of a message: its text parts, joined by blank lines. */
export const messageText = ({ parts }: Pick<Message, "parts">): string =>
  parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
