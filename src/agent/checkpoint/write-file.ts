import type { Stats } from "node:fs";
import { chmod, lstat, open, symlink, writeFile } from "node:fs/promises";
import { HearthError } from "../../protocol/errors.ts";
import type { FileState } from "./file-state.ts";

/** A file was changed between the look at it and its replacement. */
export class ChangedMeanwhile extends Error {}

/** Some files are written, the others not, and neither could be changed. */
export class NotPutBack extends Error {
  constructor(cause: unknown) {
    super("files are half written", { cause });
  }
}

const REPLACED_MEANWHILE = "is being changed by another program";

export const isFolder = (path: Buffer) =>
  lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
export const statsAt = (path: Buffer) => lstat(path).catch(() => undefined);

/** Makes a file or link that is not there yet. `replaced`: the one whose permissions it takes over. */
export async function writeState(
  at: Buffer,
  { mode }: FileState,
  bytes: Buffer,
  replaced: Stats | undefined,
) {
  if (mode === "120000") return symlink(bytes, at);
  await writeFile(at, bytes, { flag: "wx" });
  const { mode: own } = replaced?.isFile() ? replaced : await lstat(at);
  // Who may read it may run it.
  const wanted = mode === "100755" ? own | ((own & 0o444) >> 2) : own & ~0o111;
  await chmod(at, wanted & 0o7777);
}

export async function syncFolder(folder: string) {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same as `asRefusal`, inside a sentence. */
function whyOf(error: unknown): string {
  const refusal = asRefusal(error);
  const message = refusal instanceof Error ? refusal.message : String(refusal);
  return message.replace(/^Nothing was changed: /, "").replace(/\.$/, "");
}

/** What a failed write means for a person. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof NotPutBack)
    return new HearthError(
      "files_unavailable",
      `Some files were written and the others not (${whyOf(error.cause)}). hearth has both versions, and completes this at the next undo or start.`,
      { cause: error },
    );
  if (error instanceof ChangedMeanwhile)
    return new HearthError("conflict", `Nothing was changed: ${error.message} ${REPLACED_MEANWHILE}.`, {
      details: { paths: [error.message] },
    });
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const path =
    error instanceof Error && "path" in error
      ? String(error.path).replace(/\/\.hearth-undo-[^/]*$/, "")
      : "a file";
  const why = { ENOSPC: "the disk is full", EDQUOT: "the disk is full", EROFS: "the disk is read-only" }[
    code
  ];
  if (why !== undefined)
    return new HearthError("files_unavailable", `Nothing was changed: ${why}.`, { cause: error });
  if (code === "EACCES" || code === "EPERM" || code === "ENOTEMPTY" || code === "EISDIR" || code === "EEXIST")
    return new HearthError(
      "files_unavailable",
      `Nothing was changed: ${path} may not be written (${code}).`,
      {
        cause: error,
      },
    );
  return error;
}
