import type { PartDelta } from "../protocol/events.ts";
import type { MessageId, PartId } from "../protocol/ids.ts";

/** The first words of a burst go out at once; those that follow are gathered for so long (design §13). */
const gatherMs = 50;
/** Text is durable within 250 ms; the rest of that time is for the write. */
const durableMs = 150;
const durableBytes = 4096;

type Streaming = PartDelta & { unwritten: string };

type TextStreamDeps = {
  /** Tells the world. Must not throw. */
  tell(delta: PartDelta): void;
  /** Appends to what is stored. May throw store_unavailable: then it is tried again. */
  write(tails: readonly { part_id: PartId; text: string }[]): void;
};

export type TextStream = ReturnType<typeof createTextStream>;

/**
 * The text that streams into the parts of one session: gathered for the clients, and, apart from that, for the
 * store. Two clocks, because a screen wants it at once and a disk wants it seldom.
 */
export function createTextStream({ tell, write }: TextStreamDeps) {
  /** By part; `text` is what is not told yet, from `offset` on. */
  const parts = new Map<PartId, Streaming>();
  let gathering: NodeJS.Timeout | null = null;
  let writing: NodeJS.Timeout | null = null;

  function tellPart(part: Streaming): boolean {
    if (part.text === "") return false;
    const { unwritten: _, ...delta } = part;
    part.offset += part.text.length;
    part.text = "";
    tell(delta);
    return true;
  }

  const tellAll = () => [...parts.values()].filter(tellPart).length > 0;

  function gather() {
    gathering = tellAll() ? setTimeout(gather, gatherMs) : null;
  }

  function writeAll() {
    if (writing !== null) clearTimeout(writing);
    writing = null;
    const tails = [...parts.values()]
      .filter((part) => part.unwritten !== "")
      .map((part) => ({ part_id: part.part_id, text: part.unwritten }));
    if (tails.length === 0) return;
    try {
      write(tails);
    } catch {
      // The store says so to whoever asks it for something; the text waits here, and its part holds it too.
      writing = setTimeout(writeAll, durableMs);
      return;
    }
    for (const part of parts.values()) part.unwritten = "";
  }

  return {
    append(delta: PartDelta) {
      const part = parts.get(delta.part_id);
      if (part === undefined) parts.set(delta.part_id, { ...delta, unwritten: delta.text });
      else {
        part.text += delta.text;
        part.unwritten += delta.text;
      }
      if (gathering === null) {
        tellAll();
        gathering = setTimeout(gather, gatherMs);
      }
      if ((parts.get(delta.part_id)?.unwritten.length ?? 0) >= durableBytes) writeAll();
      else writing ??= setTimeout(writeAll, durableMs);
    },
    /** Before a stored event of the message, which holds all its text: nothing of it may be told after. */
    settle(messageId: MessageId) {
      for (const part of parts.values()) if (part.message_id === messageId) tellPart(part);
    },
    /** Once its transaction has committed: these parts are stored whole. */
    settled(partIds: Iterable<PartId>) {
      for (const id of partIds) parts.delete(id);
    },
    /** Everything told and written, so that a snapshot is whole. */
    flush() {
      tellAll();
      writeAll();
    },
    close() {
      if (gathering !== null) clearTimeout(gathering);
      gathering = null;
      writeAll();
      if (writing !== null) clearTimeout(writing);
    },
  };
}
