import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
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
import { isSame, readTreeFile } from "./tree-files.ts";

type Journal = {
  /** Stores the record: from now on a restart completes the set or takes it back. */
  begin(record: WriteRecord): void;
  /** All files are written. Stores what follows, and that the set is done, in one transaction. */
  finish(): void;
  /** No file is written. */
  abandon(): void;
};

/**
 * Writes a set of files below `top`: all of them or, when one cannot be written or has changed since it was read, none.
 * Each file changes in one step. Throws files_unwritable or conflict.
 */
export async function writeFiles(
  { id, top, folder }: Pick<WriteRecord, "id" | "top" | "folder">,
  writes: readonly FileWrite[],
  journal: Journal,
): Promise<void> {
  const record: WriteRecord = {
    ...{ id, top, folder },
    files: writes.map(({ path, before, after, permissions }) => ({
      path: path.toString("base64"),
      before: before?.mode ?? null,
      after: after?.mode ?? null,
      permissions,
    })),
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [at, { before, after }] of writes.entries()) {
      if (before !== null) await writeFile(join(folder, `${at}.before`), before.content, { mode: 0o600 });
      if (after !== null) await writeFile(join(folder, `${at}.after`), after.content, { mode: 0o600 });
    }
    journal.begin(record);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw cause instanceof HearthError ? cause : unwritable(folder, cause);
  }
  const done: number[] = [];
  let name = "a file";
  try {
    // A full disk shows here, before the first file has changed.
    for (const [at, write] of writes.entries()) {
      name = shownPath(write.path);
      await stage(record, at, write);
    }
    for (const at of inOrder(writes)) {
      const write = writes[at];
      if (write === undefined) continue;
      name = shownPath(write.path);
      await mustBeUnchanged(top, write, writes);
      done.push(at);
      await place(record, at, write);
    }
    name = "hearth's store";
    journal.finish();
  } catch (cause) {
    await removeStaged(record, writes);
    const left: string[] = [];
    for (const at of done.reverse()) {
      const write = writes[at];
      if (write !== undefined && !(await takeBack(record, at, write))) left.push(shownPath(write.path));
    }
    if (left.length > 0) throw halfWritten(left, cause);
    await removeKept(record, writes).catch(() => {});
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    try {
      journal.abandon();
    } catch {
      // The store is full, too. Without its folder, the next start drops the record.
    }
    throw cause instanceof HearthError ? cause : unwritable(name, cause);
  }
  await removeKept(record, writes).catch(() => {});
  await rm(folder, { recursive: true, force: true }).catch(() => {});
}

/** Deletions first: a file may take the place of a folder, and a folder that of a file. */
export function inOrder(writes: readonly FileWrite[]): number[] {
  const all = [...writes.keys()];
  return [
    ...all.filter((at) => writes[at]?.after === null),
    ...all.filter((at) => writes[at]?.after !== null),
  ];
}

export function unwritable(what: string, cause: unknown): HearthError {
  const message = `${what} cannot be written: ${whyUnwritable(cause)}. Nothing was changed.`;
  return new HearthError("files_unwritable", message, { cause });
}

/** The record stays: the next decision or the next start completes the set, or takes it back. */
export function halfWritten(paths: string[], cause: unknown): HearthError {
  const message = `The files could not all be written (${whyUnwritable(cause)}), and ${paths.join(", ")} could not be put back. hearth has both versions, and completes this at the next apply or start.`;
  return new HearthError("files_unwritable", message, { details: { paths }, cause });
}

export function whyUnwritable(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT") return "the disk is full";
  if (code === "EROFS") return "the disk is read-only";
  if (/^(EACCES|EPERM)$/.test(code)) return "there is no permission to write it";
  if (code === "ENAMETOOLONG") return "its path is too long for this disk";
  return cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause);
}

async function mustBeUnchanged(top: string, write: FileWrite, all: readonly FileWrite[]) {
  const found = await readTreeFile(top, write.path);
  if (found.kind === "file" && isSame(found.state, write.before)) return;
  // What was in the way has been removed by now, or will fail to be replaced.
  if (found.kind === "none" && write.before === null) return;
  if (found.kind === "folder" && all.some(({ path, after }) => after === null && isBelow(path, write.path)))
    return;
  const path = write.path.toString();
  throw new HearthError(
    "conflict",
    `${path} changed while it was being written. Nothing was changed; try again.`,
    {
      details: { paths: [path] },
    },
  );
}

export const isBelow = (path: Buffer, folder: Buffer): boolean =>
  path.length > folder.length &&
  path[folder.length] === 0x2f &&
  path.subarray(0, folder.length).equals(folder);
