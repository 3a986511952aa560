import { rm } from "node:fs/promises";
import type { WriteRecord } from "../agent/worktree/place-file.ts";
import { recoverWrites } from "../agent/worktree/recover-writes.ts";
import type { SessionId } from "../protocol/ids.ts";
import type { Effect } from "./change-effect.ts";
import type { Log } from "./daemon/log.ts";
import type { FileWriteRow } from "./store/file-writes.ts";
import type { Store } from "./store/open.ts";

type LeftWritesDeps = {
  store: Store;
  /** What a written set leads to. Removes its row. */
  finish(row: Omit<FileWriteRow, "data">, effect: Effect): void;
  log: Log;
};

/** Sets of files that were neither written whole nor put back: the daemon was killed, or the disk was full. */
export function createLeftWrites({ store, finish, log }: LeftWritesDeps) {
  /** Throws files_unwritable where neither can be done now either. */
  async function recoverSet({ data, ...row }: FileWriteRow): Promise<void> {
    const { record, effect } = data as { record: WriteRecord; effect: Effect };
    const isComplete = await recoverWrites(record);
    if (isComplete) finish(row, effect);
    else store.transaction("synced", () => store.fileWrites.remove(row.id));
    await rm(record.folder, { recursive: true, force: true });
    log.info(isComplete ? "a set of files was completed" : "a set of files was taken back", {
      session: row.session_id,
    });
  }

  return {
    /** All of them, at the start. */
    async recover(): Promise<void> {
      for (const row of store.fileWrites.all())
        await recoverSet(row).catch((cause: unknown) =>
          log.error("a set of files that was being written could not be completed", { cause }),
        );
    },
    /** Those of a session, before its next decision; whether there were any. Throws files_unwritable. */
    async recoverOf(sid: SessionId): Promise<boolean> {
      const left = store.fileWrites.all().filter(({ session_id }) => session_id === sid);
      for (const row of left) await recoverSet(row);
      return left.length > 0;
    },
  };
}
