import { HearthError } from "../../protocol/errors.ts";
import type { PartDelta } from "../../protocol/events.ts";
import type { MessageId, PartId } from "../../protocol/ids.ts";

/**
 * The first words of a burst go out at once; those that follow are gathered for so long (design §13). What is told
 * was written before, so this also bounds what a crash can lose.
 */
const BATCH_MS = 25;
const BATCH_CHARS = 4096;
/** While the store cannot be written: each try may wait for its lock, and nobody is served meanwhile. */
const RETRY_MS = 250;
/** A backup that holds the store for a moment costs no turn; text that stays unwritten for longer ends it. */
const UNWRITTEN_MS_MAX = 2000;

type DeltaBatcherDeps = {
  /** Writes all of it or, when it throws, nothing. Throws store_unavailable: then it is tried again. */
  write(deltas: readonly PartDelta[]): void;
  /** Tells the world. Must not throw. */
  tell(delta: PartDelta): void;
  /** Whatever else `write` throws: a bug. */
  report(message: string, cause: unknown): void;
  /** Milliseconds that only ever rise. */
  monotonicMs(): number;
};

export type DeltaBatcher = ReturnType<typeof createDeltaBatcher>;

/**
 * The text that streams into the parts of one session. It is written first and told then: no terminal has seen a
 * word that a killed daemon could lose, and what could not be written is not told.
 */
export function createDeltaBatcher({ write, tell, report, monotonicMs }: DeltaBatcherDeps) {
  /** By part: what is neither written nor told yet, from its `offset` on. */
  const pending = new Map<PartId, PartDelta>();
  let timer: NodeJS.Timeout | null = null;
  /** Since when the store has refused what is pending. */
  let refused: { sinceMs: number; error: HearthError } | null = null;

  /** Whether the store has taken it. */
  function flush(): boolean {
    const deltas = [...pending.values()];
    if (deltas.length === 0) return true;
    try {
      write(deltas);
    } catch (error) {
      if (error instanceof HearthError && error.code === "store_unavailable") {
        refused = { sinceMs: refused?.sinceMs ?? monotonicMs(), error };
        return false;
      }
      report("streamed text could not be written", error);
      pending.clear(); // its message holds it too, and is written with the next event
      return true;
    }
    refused = null;
    pending.clear();
    for (const delta of deltas) tell(delta);
    return true;
  }

  function flushAndWait() {
    const isBusy = pending.size > 0;
    const isWritten = flush();
    timer = isBusy ? setTimeout(flushAndWait, isWritten ? BATCH_MS : RETRY_MS) : null;
  }

  return {
    /** Throws store_unavailable when the text before it has waited too long to be written. It is kept all the same. */
    append(delta: PartDelta) {
      const part = pending.get(delta.part_id) ?? { ...delta, text: "" };
      part.text += delta.text;
      pending.set(delta.part_id, part);
      if (timer === null) flushAndWait();
      else if (refused === null && part.text.length >= BATCH_CHARS) flush();
      if (refused !== null && monotonicMs() - refused.sinceMs > UNWRITTEN_MS_MAX) throw refused.error;
    },
    /** For the transaction of an event that holds the message whole: what of its text is not written yet. */
    unwritten: (messageId: MessageId): PartDelta[] =>
      [...pending.values()].filter((delta) => delta.message_id === messageId),
    /** That transaction has committed: nothing of the message is left to be written or told. */
    settled(messageId: MessageId) {
      for (const delta of pending.values()) if (delta.message_id === messageId) pending.delete(delta.part_id);
      if (pending.size === 0) refused = null;
    },
    /** Written and told as far as the store takes it, so that a snapshot is whole. Never inside a transaction. */
    flush: () => void flush(),
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      flush();
    },
  };
}
