import type { Message, Part } from "../../protocol/message.ts";
import type { LedgerTx } from "./ledger.ts";

/**
 * Writes a message with those of its parts that are not written as they are. A part is replaced whenever something
 * changes in it, so the one that was written last is told by its identity. What a transaction has written that
 * failed counts as written: whoever tries again names the parts.
 */
export function createPartWriter() {
  const written = new WeakSet<Part>();

  function putParts(
    tx: LedgerTx,
    type: "message.created" | "message.updated",
    message: Message,
    parts: readonly Part[],
  ) {
    tx.putMessage(type, message, parts);
    for (const part of parts) written.add(part);
  }

  return {
    put(tx: LedgerTx, type: "message.created" | "message.updated", message: Message) {
      putParts(
        tx,
        type,
        message,
        message.parts.filter((part) => !written.has(part)),
      );
    },
    putPart: (tx: LedgerTx, message: Message, part: Part) => putParts(tx, "message.updated", message, [part]),
  };
}
