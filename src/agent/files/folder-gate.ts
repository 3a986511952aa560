import { stat } from "node:fs/promises";
import { inTime, isTimeout, orAborted } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";

/** Disks that spin up and slow network shares respond sooner. */
const ANSWER_MS_MAX = 5_000;
/** A call that hangs occupies one thread of Node's pool (16, see daemon-file.ts). The others must stay free. */
const HANGING_MAX = 8;

/** A call that shows whether a folder responds. */
type Check = (folder: string) => Promise<unknown>;
type Pending = { since: number; answer: Promise<unknown>; isGivenUp: boolean };

/**
 * Guards file access that somebody waits for. On a dead mount every call hangs for ever: the gate then throws after a
 * timeout, and never has more than one pending call per folder.
 */
export type FolderGate = {
  /**
   * Runs short work with files in a folder, after checking that the folder responds. Throws `folder_unresponsive` if it
   * does not, the signal's reason, or what the work throws.
   */
  enter<T>(folder: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
};

/** `enter` for one fixed folder. */
export type Reach = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createFolderGate(check: Check = stat, answerMsMax = ANSWER_MS_MAX): FolderGate {
  const pending = new Map<string, Pending>();
  const isHanging = ({ since, isGivenUp }: Pending) => isGivenUp || performance.now() - since >= answerMsMax;

  function ask(folder: string): Pending {
    const known = pending.get(folder);
    if (known !== undefined) return known;
    if ([...pending.values()].filter(isHanging).length >= HANGING_MAX) throw unresponsive(folder);
    // A missing folder counts as a response: the work handles that error.
    const answer = check(folder)
      .catch(() => {})
      .finally(() => pending.delete(folder));
    const started = { since: performance.now(), answer, isGivenUp: false };
    pending.set(folder, started);
    return started;
  }

  async function within<T>(folder: string, work: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
    try {
      return await inTime(signal === undefined ? work : orAborted(work, signal), ms, folder);
    } catch (error) {
      throw isTimeout(error) && error !== signal?.reason ? unresponsive(folder) : error;
    }
  }

  return {
    async enter(folder, work, signal) {
      signal?.throwIfAborted();
      const asked = ask(folder);
      const msLeft = Math.max(0, asked.since + answerMsMax - performance.now());
      try {
        await within(folder, asked.answer, msLeft, signal);
      } catch (error) {
        // The clock may stand a little before the end of the timer.
        asked.isGivenUp ||= isUnresponsive(error);
        throw error;
      }
      return within(folder, work(), answerMsMax, signal);
    },
  };
}

export const isUnresponsive = (error: unknown): boolean =>
  error instanceof HearthError && error.code === "folder_unresponsive";

const unresponsive = (folder: string) =>
  new HearthError(
    "folder_unresponsive",
    `The folder ${folder} does not respond. If it is on a network share or a removable disk, reconnect it and try again.`,
    { details: { path: folder } },
  );
