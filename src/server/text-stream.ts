import type { PartDelta } from "../protocol/events.ts";
import type { MessageId, PartId } from "../protocol/ids.ts";

/**
 * The first words of a burst go out at once; those that follow are gathered for so long (design §13). What is told
 * was written before, so this also bounds what a crash can lose.
 */
const GATHER_MS = 50;
const GATHER_CHARS = 4096;

type Streaming = PartDelta & { unwritten: string };

type TextStreamDeps = {
  /** Tells the world. Must not throw. */
  tell(delta: PartDelta): void;
  /** Appends to what is stored. May throw store_unavailable: then it is tried again with what comes next. */
  write(tails: readonly { part_id: PartId; text: string }[]): void;
};

export type TextStream = ReturnType<typeof createTextStream>;

/**
 * The text that streams into the parts of one session. It is written first and told then: no terminal has seen a
 * word that a killed daemon could lose.
 */
export function createTextStream({ tell, write }: TextStreamDeps) {
  /** By part; `text` is what is not told yet, from `offset` on. */
  const parts = new Map<PartId, Streaming>();
  let gathering: NodeJS.Timeout | null = null;

  function writeAll() {
    const tails = [...parts.values()]
      .filter((part) => part.unwritten !== "")
      .map((part) => ({ part_id: part.part_id, text: part.unwritten }));
    if (tails.length === 0) return;
    try {
      write(tails);
    } catch {
      return; // the text waits here for the next time, and its message holds it too
    }
    for (const part of parts.values()) part.unwritten = "";
  }

  function tellPart(part: Streaming): boolean {
    if (part.text === "") return false;
    const { unwritten: _, ...delta } = part;
    part.offset += part.text.length;
    part.text = "";
    tell(delta);
    return true;
  }

  function flush(): boolean {
    writeAll();
    return [...parts.values()].filter(tellPart).length > 0;
  }

  function gather() {
    gathering = flush() ? setTimeout(gather, GATHER_MS) : null;
  }

  return {
    append(delta: PartDelta) {
      const part = parts.get(delta.part_id) ?? { ...delta, text: "", unwritten: "" };
      parts.set(delta.part_id, part);
      part.text += delta.text;
      part.unwritten += delta.text;
      if (gathering === null) {
        flush();
        gathering = setTimeout(gather, GATHER_MS);
      } else if (part.unwritten.length >= GATHER_CHARS) flush();
    },
    /** Before a stored event of the message, which holds all its text: nothing of it may be told after. */
    settle(messageId: MessageId) {
      for (const part of parts.values()) if (part.message_id === messageId) tellPart(part);
    },
    /** Once its transaction has committed: these parts are stored whole. */
    settled(partIds: Iterable<PartId>) {
      for (const id of partIds) parts.delete(id);
    },
    /** Everything written and told, so that a snapshot is whole. */
    flush: () => void flush(),
    close() {
      if (gathering !== null) clearTimeout(gathering);
      gathering = null;
      writeAll();
    },
  };
}
