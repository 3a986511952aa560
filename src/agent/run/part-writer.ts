import type { Message, Part } from "../../protocol/message.ts";
import type { LedgerTx } from "./ledger.ts";

type MessageEvent = "message.created" | "message.updated";
type Write = { tx: LedgerTx; type: MessageEvent; message: Message };

/**
 * Stores a message with only the parts that have changed. A changed part is a new object, so the last stored one is
 * recognised by identity. Parts of a failed transaction count as stored: a retry must name the parts.
 */
export function createPartWriter() {
  const written = new WeakSet<Part>();
  /** While changes are collected: the message after the last one, if any. */
  let gathering = false;
  let gathered: Write | undefined;

  function write({ tx, type, message }: Write, parts: readonly Part[]) {
    tx.putMessage(type, message, parts);
    for (const part of parts) written.add(part);
  }
  const writeChanged = (one: Write) =>
    write(
      one,
      one.message.parts.filter((part) => !written.has(part)),
    );

  function flush() {
    const last = gathered;
    gathered = undefined;
    if (last !== undefined) writeChanged(last);
  }

  function gather(next: Write) {
    if (gathered?.message.id !== next.message.id) flush();
    gathered = { ...next, type: gathered?.type ?? next.type };
  }

  return {
    put(tx: LedgerTx, type: MessageEvent, message: Message) {
      if (gathering) gather({ tx, type, message });
      else writeChanged({ tx, type, message });
    },
    putPart(tx: LedgerTx, message: Message, part: Part) {
      if (gathering) gather({ tx, type: "message.updated", message });
      else write({ tx, type: "message.updated", message }, [part]);
    },
    /** Collects the changes of one transaction, so that each message is stored and published once. */
    together(changes: () => void) {
      gathering = true;
      try {
        changes();
        flush();
      } finally {
        gathering = false;
        gathered = undefined;
      }
    },
  };
}
