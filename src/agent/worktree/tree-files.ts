import type { Stats } from "node:fs";
import { lstat, readFile, readlink } from "node:fs/promises";
import { pathIn } from "./snapshot.ts";

/** A file as git knows it: its mode, and its content or the target of the link. */
export type FileState = { mode: string; content: Buffer };

/** What is at a path: nothing, a file, or something that no file can replace. */
export type Found =
  | { kind: "none" }
  | { kind: "file"; state: FileState; permissions: number }
  | { kind: "folder" }
  | { kind: "blocked"; why: string };

export const LINK_MODE = "120000";
/** A larger file is not merged. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Reads a file below a folder. No link is followed: one on the way blocks it, so that nothing outside the folder is read or
 * written. A file where a folder should be counts as none if `gone` says that it will be removed.
 */
export async function readTreeFile(
  top: string,
  path: Buffer,
  gone: (path: Buffer) => boolean = () => false,
): Promise<Found> {
  for (let slash = path.indexOf(0x2f); slash !== -1; slash = path.indexOf(0x2f, slash + 1)) {
    const folder = path.subarray(0, slash);
    const stats = await lookAt(pathIn(top, folder));
    if (stats === undefined || gone(folder)) return { kind: "none" };
    const name = folder.toString();
    if (stats.isSymbolicLink()) return { kind: "blocked", why: `the folder ${name} is a link` };
    if (!stats.isDirectory()) return { kind: "blocked", why: `${name} is a file where a folder is needed` };
  }
  const at = pathIn(top, path);
  const stats = await lookAt(at);
  if (stats === undefined) return { kind: "none" };
  if (stats.isDirectory()) return { kind: "folder" };
  const permissions = stats.mode & 0o7777;
  if (stats.isSymbolicLink()) {
    const content = await readlink(at, { encoding: "buffer" });
    return { kind: "file", state: { mode: LINK_MODE, content }, permissions };
  }
  if (!stats.isFile()) return { kind: "blocked", why: "what is there is no file" };
  if (stats.size > FILE_BYTES_MAX) return { kind: "blocked", why: "the file there is too large" };
  const mode = (stats.mode & 0o100) === 0 ? "100644" : "100755";
  return { kind: "file", state: { mode, content: await readFile(at) }, permissions };
}

export async function lookAt(path: Buffer | string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    // Nothing can be at a path that is too long; to write there says so.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    throw error;
  }
}

export const isSame = (a: FileState | null, b: FileState | null): boolean =>
  a === null || b === null ? a === b : a.mode === b.mode && a.content.equals(b.content);
