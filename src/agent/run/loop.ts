import { HearthError } from "../../protocol/errors.ts";
import type { RunEffect, RunQueueEvent } from "./state.ts";

/** The delay before an event that the store refused is tried again. */
const STORE_RETRY_MS = 500;

export type PendingEvent = { event: RunQueueEvent; by: string | null };

/**
 * How much of an event is stored. `stored`: if a turn's messages cannot be written, only what the store already has of
 * them. `nothing`: the event happens only in memory, and the next start recovers the run from the store.
 */
export type Written = "all" | "stored" | "nothing";

type RunLoopDeps = {
  /** Stores, publishes, then acts. If it throws, nothing has happened; store_unavailable is not a bug. */
  carryOut(pending: PendingEvent, written: Written): readonly RunEffect[];
  report(message: string, cause: unknown): void;
  /** Events wait for the store because of `error`; null: none waits any more. */
  onWaiting(error: HearthError | null): void;
  /** No event is left. */
  onRest(): void;
};

export type RunLoop = ReturnType<typeof createRunLoop>;

/**
 * The one place where a session's run events are carried out, one after the other: an event caused by another waits
 * until that one is done. An event that the store refuses is kept and tried again, and all later ones wait behind it.
 * No event is ever lost: without the end of its run a session could run nothing more.
 */
export function createRunLoop({ carryOut, report, onWaiting, onRest }: RunLoopDeps) {
  /** Oldest first. Decided on the stored state, so they go before everything else that waits. */
  const decided: PendingEvent[] = [];
  /** Oldest first. */
  const waiting: PendingEvent[] = [];
  let isBusy = false;
  let retry: NodeJS.Timeout | null = null;
  /** Why the last try stopped early. */
  let stuck: HearthError | null = null;
  let isClosed = false;

  /** Runs `work` before any event that it causes. */
  function exclusively<T>(work: () => T): T {
    if (isBusy) throw new Error("the run loop was entered while it carries out an event");
    isBusy = true;
    try {
      return work();
    } finally {
      isBusy = false;
    }
  }

  /** Throws only store_unavailable. */
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

  /** Null when all events are done. */
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
    /** For what has happened, whether or not the store can be written. Never throws. */
    post(event: RunQueueEvent, by: string | null = null) {
      waiting.push({ event, by });
      drain();
    },
    /**
     * For a decision on the stored state and earlier decisions. `act` needs no store and runs at once. Never throws.
     */
    decide(event: RunQueueEvent, by: string | null, act: () => void) {
      decided.push({ event, by });
      if (isBusy) act();
      else exclusively(act);
      drain();
    },
    decided: (): readonly RunQueueEvent[] => decided.map(({ event }) => event),
    /**
     * For a client's request: done now or not at all. Waiting events come first, then `decision` is made. If it throws
     * (store_unavailable, or an error of `decision` or `carryOut`), nothing has happened.
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
    /** The store closes: waiting events are not tried again. */
    close() {
      isClosed = true;
      if (retry !== null) clearTimeout(retry);
    },
  };
}

const isUnavailable = (error: unknown): error is HearthError =>
  error instanceof HearthError && error.code === "store_unavailable";
