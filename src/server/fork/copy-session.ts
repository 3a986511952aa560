import { createTimeSlice } from "../../async/time-slice.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { NewId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import type { Store } from "../store/open.ts";
import type { StoredSession } from "../store/sessions.ts";

/** Message rows read at once. Only messages that are copied are read with their parts. */
const HEADS_MAX = 200;

type ForkDeps = {
  store: Store;
  newId: NewId;
  /** Throws when no more work is accepted; the unfinished copy is then removed. */
  mustGoOn(): void;
};

/**
 * Copies the messages of `source` up to number `until` into `fork`, which is hidden until it is complete. A long
 * conversation is copied in short turns of the event loop, one transaction each.
 */
export async function copySession(
  source: SessionId,
  fork: StoredSession,
  until: number,
  { store, newId, mustGoOn }: ForkDeps,
): Promise<void> {
  // Turns that are still running or have not begun are not copied.
  const left = new Set([
    ...store.runs.unstarted(source),
    ...store.runs.unfinished(source).map(({ id }) => id),
  ]);
  const runIds = new Map<RunId, RunId>();
  const runIdOf = (id: RunId): RunId => {
    const known = runIds.get(id) ?? newId("run");
    runIds.set(id, known);
    return known;
  };
  /** A message of the fork. The runs stay with the source, so the copies get new run ids that name no run. */
  const copyOf = (message: Message): Message => ({
    ...message,
    id: newId("msg"),
    session_id: fork.id,
    run_id: runIdOf(message.run_id),
    parts: message.parts.map((part) => ({ ...part, id: newId("prt") })),
  });

  const slice = createTimeSlice();
  let before = Math.min(until, Number.MAX_SAFE_INTEGER - 1) + 1;
  /** Copies the newest messages first, until the turn is over. Returns whether there is more. */
  function copyBatch(): boolean {
    for (const head of store.messages.heads(source, before, HEADS_MAX).reverse()) {
      if (slice.isOver()) return true;
      before = head.seq;
      if (!left.has(head.run_id)) store.messages.put(copyOf(store.messages.whole(head)));
    }
    return store.messages.heads(source, before, 1).length > 0;
  }
  store.transaction("relaxed", () => store.sessions.insertHidden(fork));
  try {
    while (store.transaction("relaxed", copyBatch)) {
      await slice.rest();
      mustGoOn();
    }
    if (store.sessions.get(source) === undefined)
      throw new HearthError("session_not_found", `The session ${source} was deleted while it was copied.`);
  } catch (error) {
    await dropSession(fork.id, store).catch(() => {}); // the next start drops hidden sessions
    throw error;
  }
}

/** Deletes a hidden session and its messages in short turns of the event loop. */
export async function dropSession(sid: SessionId, store: Store): Promise<void> {
  const slice = createTimeSlice();
  while (!store.transaction("relaxed", () => dropBatch(sid, store, slice.isOver))) await slice.rest();
}

/** Messages deleted at once. One may hold megabytes. */
const DROPPED_AT_ONCE = 10;

/** Call inside a transaction. Deletes messages until the turn is over; returns whether the session is gone. */
export function dropBatch(sid: SessionId, store: Store, isOver: () => boolean): boolean {
  do {
    if (store.messages.drop(sid, DROPPED_AT_ONCE) > 0) continue;
    store.sessions.remove(sid);
    return true;
  } while (!isOver());
  return false;
}
