import { stat } from "node:fs/promises";
import { inTime, isTimeout, orAborted } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";

/** Disks that spin up and slow network shares answer sooner. */
const ANSWER_MS_MAX = 5_000;
/** A call that hangs keeps one thread of Node's pool (16, see start-daemon.ts); the others are for everybody else. */
const SILENT_MAX = 8;

/** What the gate asks of a folder, to see whether it answers at all. */
type Look = (folder: string) => Promise<unknown>;
type Pending = { since: number; answer: Promise<unknown> };

/**
 * Files are reached through here where somebody waits for it. A folder on a dead mount lets every call wait for ever;
 * then who needs that folder is told so, and one pending call is all that it costs.
 */
export type FolderGate = {
  /**
   * Does some short work with files in a folder that has just been seen to answer. Throws `folder_unresponsive` when
   * it does not, the signal's reason when that aborts first, and what the work throws.
   */
  enter<T>(folder: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
};

/** The same in one folder that is known to whoever gives it. */
export type Reach = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createFolderGate(look: Look = stat, answerMsMax = ANSWER_MS_MAX): FolderGate {
  const pending = new Map<string, Pending>();
  const isSilent = ({ since }: Pending) => performance.now() - since >= answerMsMax;

  function ask(folder: string): Pending {
    const known = pending.get(folder);
    if (known !== undefined) return known;
    if ([...pending.values()].filter(isSilent).length >= SILENT_MAX) throw silent(folder);
    // A folder that is missing has answered: the work says what that means.
    const answer = look(folder)
      .catch(() => {})
      .finally(() => pending.delete(folder));
    const asked = { since: performance.now(), answer };
    pending.set(folder, asked);
    return asked;
  }

  async function within<T>(folder: string, work: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
    try {
      return await inTime(signal === undefined ? work : orAborted(work, signal), ms, folder);
    } catch (error) {
      throw isTimeout(error) && error !== signal?.reason ? silent(folder) : error;
    }
  }

  return {
    async enter(folder, work, signal) {
      signal?.throwIfAborted();
      const { since, answer } = ask(folder);
      await within(folder, answer, Math.max(0, since + answerMsMax - performance.now()), signal);
      return within(folder, work(), answerMsMax, signal);
    },
  };
}

const silent = (folder: string) =>
  new HearthError(
    "folder_unresponsive",
    `The folder ${folder} does not answer. If it is on a network share or a removable disk, connect it again; then try again.`,
    { details: { path: folder } },
  );
