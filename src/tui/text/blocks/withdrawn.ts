import type { Message } from "../../../protocol/message.ts";
import type { Block } from "./block.ts";
import type { BlockContext } from "./message-blocks.ts";

/** The code of the daemon's notice for a prompt that was withdrawn from the queue. */
export const WITHDRAWN = "withdrawn";

export const isWithdrawal = ({ role, parts }: Message): boolean =>
  role === "assistant" && parts.some((part) => part.type === "notice" && part.code === WITHDRAWN);

/** The messages without withdrawn prompts, which never became part of the conversation. */
export function withoutWithdrawn(messages: readonly Message[]): readonly Message[] {
  const runs = new Set(messages.flatMap((message) => (isWithdrawal(message) ? [message.run_id] : [])));
  if (runs.size === 0) return messages;
  return messages.filter(({ role, run_id }) => role === "assistant" || !runs.has(run_id));
}

export function withdrawnBlock(id: string, message: Message, text: string, context: BlockContext): Block {
  const by = context.run(message.run_id)?.canceled_by ?? null;
  const name = by === null ? undefined : context.nameOf(by);
  const who = name === undefined ? "" : ` by ${name}`;
  return { id, type: "presence", text: text.replace(/^Withdrawn/, `withdrawn${who}`), isRule: false };
}
