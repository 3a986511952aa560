import { HearthError } from "../../protocol/errors.ts";
import type { PartDelta } from "../../protocol/events.ts";
import type { MessageId, PartId } from "../../protocol/ids.ts";

/**
 * The first text of a burst is sent at once; later text is batched for this long (design §13). Text is stored before it
 * is sent, so this also bounds what a crash can lose.
 */
const BATCH_MS = 45;
const BATCH_CHARS = 4096;
/** Between tries while the store cannot be written: each try may wait for a lock and blocks the event loop. */
const RETRY_MS = 250;
/** A backup that briefly locks the store costs no turn. Text that stays unwritten for longer ends the turn. */
const UNWRITTEN_MS_MAX = 2000;

type DeltaBatcherDeps = {
  /** Writes all deltas, or none if it throws. On store_unavailable the write is tried again. */
  write(deltas: readonly PartDelta[]): void;
  /** Publishes the delta. Must not throw. */
  tell(delta: PartDelta): void;
  /** Called with any other error of `write`, which is a bug. */
  report(message: string, cause: unknown): void;
  /** Milliseconds that only ever rise. */
  monotonicMs(): number;
};

export type DeltaBatcher = ReturnType<typeof createDeltaBatcher>;

/**
 * Batches the text that streams into the parts of one session. Text is stored before it is published, so that no
 * terminal shows text that a killed daemon would lose.
 */
export function createDeltaBatcher({ write, tell, report, monotonicMs }: DeltaBatcherDeps) {
  /** By part: text that is neither stored nor published, from its `offset` on. */
  const pending = new Map<PartId, PartDelta>();
  let timer: NodeJS.Timeout | null = null;
  /** Since when the store has refused the pending text. */
  let refused: { sinceMs: number; error: HearthError } | null = null;
  /** Called when pending text has waited too long and nothing more comes that could be told. */
  let onOverdue: ((error: HearthError) => void) | null = null;

  const overdue = (): HearthError | null =>
    refused !== null && monotonicMs() - refused.sinceMs > UNWRITTEN_MS_MAX ? refused.error : null;

  /** Returns whether the pending text was stored. */
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
      pending.clear(); // the message holds this text too and is stored with the next event
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
    const error = isWritten ? null : overdue();
    const tellOverdue = onOverdue;
    if (error === null || tellOverdue === null) return;
    onOverdue = null;
    tellOverdue(error);
  }

  return {
    /**
     * Throws store_unavailable when earlier text has waited too long; the new text is kept all the same. `whenOverdue`
     * is called once if the text waits that long and nothing follows it.
     */
    append(delta: PartDelta, whenOverdue: (error: HearthError) => void) {
      onOverdue = whenOverdue;
      const part = pending.get(delta.part_id) ?? { ...delta, text: "" };
      part.text += delta.text;
      pending.set(delta.part_id, part);
      if (timer === null) flushAndWait();
      else if (refused === null && part.text.length >= BATCH_CHARS) flush();
      const error = overdue();
      if (error !== null) throw error;
    },
    /** The message's text that is not stored yet, for a transaction that stores the whole message. */
    unwritten: (messageId: MessageId): PartDelta[] =>
      [...pending.values()].filter((delta) => delta.message_id === messageId),
    /** That transaction has committed: drops the message's pending text. */
    settled(messageId: MessageId) {
      for (const delta of pending.values()) if (delta.message_id === messageId) pending.delete(delta.part_id);
      if (pending.size === 0) refused = null;
    },
    /** Stores and publishes what it can, so that a snapshot is complete. Never call it inside a transaction. */
    flush: () => void flush(),
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      flush();
    },
  };
}
