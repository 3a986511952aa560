import type { Message, Part } from "../../protocol/message.ts";
import type { LedgerTx } from "./ledger.ts";

type MessageEvent = "message.created" | "message.updated";
type Write = { tx: LedgerTx; type: MessageEvent; message: Message };

/**
 * Writes a message with those of its parts that are not written as they are. A part is replaced whenever something
 * changes in it, so the one that was written last is told by its identity. What a transaction has written that
 * failed counts as written: whoever tries again names the parts.
 */
export function createPartWriter() {
  const written = new WeakSet<Part>();
  /** While several changes are gathered: the message as the last of them left it, if there was one. */
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
    /** Several changes of one transaction: a message that changes more than once is written and told once. */
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
