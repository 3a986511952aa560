import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shownPath } from "../git/shown-path.ts";
import {
  type FileWrite,
  place,
  removeKept,
  removeStaged,
  stage,
  takeBack,
  type WriteRecord,
} from "./place-file.ts";
import { type FileState, isSame, lookAt, readTreeFile } from "./tree-files.ts";
import { halfWritten, inOrder, unwritable } from "./write-files.ts";

/**
 * After a crash: completes the set if each file is as it was before or as it should become; otherwise somebody has changed
 * one since, and the others are taken back. Returns whether it is complete. Throws files_unwritable where neither can be
 * done now; the record has to stay then.
 */
export async function recoverWrites(record: WriteRecord): Promise<boolean> {
  if ((await lookAt(record.folder)) === undefined) return false; // all was taken back
  const writes: FileWrite[] = [];
  for (const [at, file] of record.files.entries()) {
    const side = async (mode: string | null, name: string): Promise<FileState | null> =>
      mode === null ? null : { mode, content: await readFile(join(record.folder, `${at}.${name}`)) };
    writes.push({
      path: Buffer.from(file.path, "base64"),
      before: await side(file.before, "before"),
      after: await side(file.after, "after"),
      permissions: file.permissions,
    });
  }
  const states = await Promise.all(
    writes.map(async ({ path }) => {
      const found = await readTreeFile(record.top, path);
      return found.kind === "file" ? found.state : null;
    }),
  );
  const isKnown = writes.every(
    ({ before, after }, at) => isSame(states[at] ?? null, before) || isSame(states[at] ?? null, after),
  );
  const open = [...writes.keys()].filter((at) => !isSame(states[at] ?? null, writes[at]?.after ?? null));
  let isComplete = isKnown;
  if (isKnown) {
    try {
      await removeStaged(record, writes);
      for (const at of open) if (writes[at] !== undefined) await stage(record, at, writes[at]);
      for (const at of inOrder(writes))
        if (open.includes(at) && writes[at] !== undefined) await place(record, at, writes[at]);
    } catch {
      isComplete = false;
    }
  }
  if (!isComplete) {
    await removeStaged(record, writes);
    const left: string[] = [];
    for (const [at, write] of writes.entries())
      if (!(await takeBack(record, at, write))) left.push(shownPath(write.path));
    if (left.length > 0) throw halfWritten(left, new Error("hearth was stopped in the middle"));
  }
  await removeStaged(record, writes);
  await removeKept(record, writes).catch((cause) => {
    throw unwritable(record.top, cause);
  });
  return isComplete;
}
