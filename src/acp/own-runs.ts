import { settlesWithin } from "../async/wait.ts";
import type { Connection } from "../client/connect.ts";
import { endOfRun } from "../client/end-of-run.ts";
import { newId } from "../client/repeatable-calls.ts";
import { cancelActive, cancelRun, withdrawRun } from "../client/withdraw-run.ts";
import type { HearthError } from "../protocol/errors.ts";
import type { RunId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { PromptReply } from "../protocol/routes/runs.ts";
import type { Accepted } from "./session.ts";
import type { TurnOutcome } from "./update.ts";

/** A canceled run has ended within 5 s. */
const END_MS_MAX = 10_000;

type OwnRun = { accepted: Promise<PromptReply>; ended: PromiseWithResolvers<TurnOutcome> };
type Reach = { connection: Connection; params: { wid: WorkspaceId; sid: SessionId } };

/** The runs of a session that the editor has asked for and that have not ended. */
export function createOwnRuns(reach: () => Reach) {
  const runs = new Map<RunId, OwnRun>();
  const ended = (id: RunId, end: TurnOutcome) => {
    runs.get(id)?.ended.resolve(end);
    runs.delete(id);
  };

  /** Withdraws what has not started. Returns whether something has. */
  async function withdrawQueued(): Promise<boolean> {
    const mine = [...runs.entries()].reverse(); // else the next one would start
    await Promise.allSettled(mine.map(([, { accepted }]) => accepted));
    let hasStarted = false;
    for (const [rid] of mine) {
      const { connection, params } = reach();
      if ((await withdrawRun(connection, params.sid, rid)) === "started") hasStarted = true;
    }
    return hasStarted;
  }

  async function stopActive(): Promise<void> {
    const { connection, params } = reach();
    await cancelActive(connection, params.sid);
  }

  return {
    ended,
    /** Posts a prompt under an id of its own; rejects if it is not accepted. */
    async post(send: (runId: RunId) => Promise<PromptReply>): Promise<Accepted> {
      const id = newId("run");
      const end = Promise.withResolvers<TurnOutcome>();
      end.promise.catch(() => {}); // it may be rejected before it is awaited
      const accepted = send(id);
      runs.set(id, { accepted, ended: end });
      try {
        return { messageId: (await accepted).message_id, ended: end.promise };
      } catch (error) {
        runs.delete(id);
        throw error;
      }
    },
    /** Stops the turn: a person at a terminal would press Escape. Own prompts that wait are withdrawn. */
    async cancel(): Promise<void> {
      const isIdle = runs.size === 0;
      if ((await withdrawQueued()) || isIdle) await stopActive();
    },
    /** Stops only what the editor asked for, and waits until that has ended. */
    async withdraw(): Promise<void> {
      const ends = [...runs.values()].map((run) => run.ended.promise);
      const { connection, params } = reach();
      const mine = [...runs.entries()].reverse(); // else the next one would start
      await Promise.allSettled(mine.map(([, { accepted }]) => accepted));
      for (const [rid] of mine) await cancelRun(connection, params.sid, rid);
      await settlesWithin(Promise.allSettled(ends), END_MS_MAX);
    },
    /** Events were missed; those that are not `unfinished` have ended meanwhile. */
    async reconcile(unfinished: ReadonlySet<RunId>): Promise<void> {
      for (const [id, { accepted }] of runs) {
        if (unfinished.has(id)) continue;
        if (
          await accepted.then(
            () => false,
            () => true,
          )
        )
          continue;
        const { connection, params } = reach();
        const end = await endOfRun(connection, params.sid, id);
        if (end !== undefined) ended(id, end);
      }
    },
    /** Nobody will tell how they end. */
    lost(error: HearthError): void {
      for (const { ended: end } of runs.values()) end.reject(error);
      runs.clear();
    },
  };
}
export type OwnRuns = ReturnType<typeof createOwnRuns>;
