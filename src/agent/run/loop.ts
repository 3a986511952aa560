import { HearthError } from "../../protocol/errors.ts";
import type { RunEffect, RunQueueEvent } from "./state.ts";

/** How soon an event that the store would not take is tried again. */
const STORE_RETRY_MS = 500;

export type PendingEvent = { event: RunQueueEvent; by: string | null };

/**
 * How much of an event is written. `stored`: of a turn whose own messages cannot be written, what the store has of
 * them. `nothing`: it only happens in memory, and the next start finds what is left of it in the store.
 */
export type Written = "all" | "stored" | "nothing";

type RunLoopDeps = {
  /** Writes, tells, then acts. Throws before anything has happened or not at all; store_unavailable is no bug. */
  carryOut(pending: PendingEvent, written: Written): readonly RunEffect[];
  report(message: string, cause: unknown): void;
  /** Something waits for the store, because of that; null: nothing does any more. */
  onWaiting(error: HearthError | null): void;
  /** Nothing is left to be carried out. */
  onRest(): void;
};

export type RunLoop = ReturnType<typeof createRunLoop>;

/**
 * The one place where a session's run events are carried out, one after the other: what an event leads to waits until
 * the event itself is through. What the store does not take is kept and tried again, and all that follows waits
 * behind it. An event is never lost: without the end of its run a session would run nothing any more.
 */
export function createRunLoop({ carryOut, report, onWaiting, onRest }: RunLoopDeps) {
  /** Decided on the state that is stored now, so they go before everything else that waits. Oldest first. */
  const decided: PendingEvent[] = [];
  /** Oldest first. */
  const waiting: PendingEvent[] = [];
  let isBusy = false;
  let retry: NodeJS.Timeout | null = null;
  /** Why the last try stopped before its end. */
  let stuck: HearthError | null = null;
  let isClosed = false;

  /** Everything in it that leads to events comes before they are carried out. */
  function exclusively<T>(work: () => T): T {
    if (isBusy) throw new Error("the run loop was entered while it carries out an event");
    isBusy = true;
    try {
      return work();
    } finally {
      isBusy = false;
    }
  }

  /** Throws store_unavailable alone. */
  function carryOutAsFarAsPossible(pending: PendingEvent) {
    for (const written of ["all", "stored", "nothing"] as const) {
      try {
        carryOut(pending, written);
        return;
      } catch (error) {
        if (isUnavailable(error)) throw error;
        report(`a run event could not be carried out (${pending.event.type}, ${written})`, error);
      }
    }
  }

  /** Null when all is through. */
  function carryOutAll(): HearthError | null {
    for (;;) {
      const queue = decided.length > 0 ? decided : waiting;
      const [next] = queue;
      if (next === undefined) return null;
      try {
        carryOutAsFarAsPossible(next);
      } catch (error) {
        if (isUnavailable(error)) return error;
        throw error;
      }
      queue.shift();
    }
  }

  function drain() {
    if (isBusy || isClosed) return;
    if (retry !== null) clearTimeout(retry);
    retry = null;
    const error = exclusively(carryOutAll);
    if (error !== null) retry = setTimeout(drain, STORE_RETRY_MS);
    if (error !== null || stuck !== null) onWaiting(error);
    stuck = error;
    if (error === null) onRest();
  }

  return {
    /** It happened, whether or not the store can be written: at once where it can. Never throws. */
    post(event: RunQueueEvent, by: string | null = null) {
      waiting.push({ event, by });
      drain();
    },
    /**
     * It was decided on what is stored now and what was decided before. `act` needs no store: it is done at once.
     * Never throws.
     */
    decide(event: RunQueueEvent, by: string | null, act: () => void) {
      decided.push({ event, by });
      if (isBusy) act();
      else exclusively(act);
      drain();
    },
    decided: (): readonly RunQueueEvent[] => decided.map(({ event }) => event),
    /**
     * Somebody asks for it: it happens now or not at all. What waits comes first, and `decision` is made then.
     * Throws store_unavailable, and what `decision` and `carryOut` throw: then nothing has happened.
     */
    ask<T>(decision: () => T): T {
      drain();
      if (stuck !== null)
        throw new HearthError(stuck.code, stuck.message, { cause: stuck, details: stuck.details });
      const result = exclusively(decision);
      drain();
      return result;
    },
    isEmpty: () => decided.length === 0 && waiting.length === 0,
    /** What is left is not tried again: the store closes. */
    close() {
      isClosed = true;
      if (retry !== null) clearTimeout(retry);
    },
  };
}

const isUnavailable = (error: unknown): error is HearthError =>
  error instanceof HearthError && error.code === "store_unavailable";
