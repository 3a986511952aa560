import type { Checkpoints } from "../../agent/checkpoint/checkpoints.ts";
import { shownPath } from "../../agent/checkpoint/file-state.ts";
import type { RunRecord } from "../../agent/run/record.ts";
import type { TurnFiles } from "../../agent/run/turn-files.ts";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { orAborted } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { WorkspaceId } from "../../protocol/ids.ts";
import type { LeftOut, StoredCheckpoint } from "../store/checkpoints.ts";
import type { Store } from "../store/open.ts";

/** A first checkpoint records every file of the folder. */
const BEFORE_MS_MAX = 60_000;
/** A turn that still runs then is no quick answer: a first checkpoint begins beside the model's request. */
const PREPARE_AFTER_MS = 1_000;
const PREPARE_MS_MAX = 10 * 60_000;
/** The run's end waits for it. */
const AFTER_MS_MAX = 30_000;

type WatchDeps = {
  store: Store;
  checkpoints: Checkpoints;
  /** Called once per workspace and reason: undo does not cover this turn. */
  onTrouble(trouble: string): void;
  /** The turn has changed files. */
  onRecorded(row: StoredCheckpoint): void;
};

/** Records what the folder holds before and after one turn. A turn that changes nothing costs nothing. */
export function watchTurn(wid: WorkspaceId, run: RunRecord, deps: WatchDeps): TurnFiles {
  const { store, checkpoints } = deps;
  let begun: Promise<void> | null = null;
  let row: StoredCheckpoint | null = null;

  function put(changed: Partial<StoredCheckpoint>) {
    const empty: StoredCheckpoint = {
      ...{ run_id: run.id, workspace_id: wid, session_id: run.session_id, began: store.checkpoints.next() },
      ...{ ended: null, before_tree: null, after_tree: null, trouble: null, left_out: [] },
      ...{ files: 0, additions: 0, deletions: 0, undone: 0 },
    };
    const next: StoredCheckpoint = { ...(row ?? empty), ...changed };
    store.transaction("relaxed", () => store.checkpoints.put(next));
    row = next;
    return next;
  }

  function failed(error: unknown) {
    const trouble = troubleOf(error);
    deps.onTrouble(trouble);
    try {
      put({ trouble, ended: store.checkpoints.next() });
    } catch {
      // the session was deleted, or the store cannot be written: then there is nothing to take back either
    }
  }

  async function begin(signal: AbortSignal) {
    try {
      const { tree, left_out } = await checkpoints.take(
        AbortSignal.any([signal, AbortSignal.timeout(BEFORE_MS_MAX)]),
      );
      put({ before_tree: tree, left_out: left_out.map(shown) });
    } catch (error) {
      // The call that would have changed files does not happen: the next one is asked again.
      if (signal.aborted) begun = null;
      else failed(error);
    }
  }

  async function end(before: string, begunWith: LeftOut[]) {
    const signal = AbortSignal.timeout(AFTER_MS_MAX);
    try {
      const { tree, left_out } = await checkpoints.take(signal);
      if (tree === before) return store.transaction("relaxed", () => store.checkpoints.remove(run.id));
      const files = (await checkpoints.changes(before, tree, signal)).length;
      const lines = await checkpoints.lineCounts(before, tree, signal);
      const known = new Map([...begunWith, ...left_out.map(shown)].map((one) => [one.path, one]));
      const ended = store.checkpoints.next();
      deps.onRecorded(put({ after_tree: tree, ended, files, ...lines, left_out: [...known.values()] }));
    } catch (error) {
      failed(error);
    }
  }

  const early = setTimeout(
    () => inBackground(() => checkpoints.prepare(AbortSignal.timeout(PREPARE_MS_MAX)), ignoreError),
    PREPARE_AFTER_MS,
  ).unref();

  return {
    async beforeChange(signal) {
      begun ??= begin(signal);
      await orAborted(begun, signal).catch(() => {});
    },
    async settled() {
      clearTimeout(early);
      await begun;
      if (row !== null && row.before_tree !== null && row.trouble === null)
        await end(row.before_tree, row.left_out);
    },
  };
}

const shown = ({ path, reason }: { path: string; reason: string }): LeftOut => ({
  path: shownPath(path),
  reason,
});

/** Why there is no checkpoint, as a sentence for people. */
export function troubleOf(error: unknown): string {
  if (error instanceof HearthError) return error.message;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC") return "the disk with hearth's data is full.";
  if (error instanceof Error && error.name === "TimeoutError") return "recording the folder took too long.";
  return `git could not record the folder: ${error instanceof Error ? error.message : String(error)}.`;
}
