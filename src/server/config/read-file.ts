import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { HearthError } from "../../protocol/errors.ts";

const CONFIG_BYTES_MAX = 1024 * 1024;
/** Opening a named pipe must not block until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file's text and a stamp that changes when the file does. */
export type ReadFile = { text: string; stamp: string };

/**
 * Reads a configuration file; undefined if there is none. `known` is the result of an earlier read, returned while the
 * file is unchanged. A repository may contain anything under that name, so what is not a regular file or is too large
 * is refused. Synchronous, because it reads hearth's own folder: if that does not answer, nothing in hearth can work.
 */
export function readConfigFile(path: string, known?: ReadFile | undefined): ReadFile | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, OPEN_FLAGS);
    const stamp = stampOf(path, fstatSync(file, { bigint: true }));
    return known?.stamp === stamp ? known : { text: withoutMark(readFileSync(file, "utf8")), stamp };
  } catch (error) {
    return unlessMissing(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The same for a project's file, which may be on a network share that is gone. */
export async function readProjectFile(
  path: string,
  known: ReadFile | undefined,
): Promise<ReadFile | undefined> {
  try {
    await using file = await open(path, OPEN_FLAGS);
    const stamp = stampOf(path, await file.stat({ bigint: true }));
    return known?.stamp === stamp ? known : { text: withoutMark(await file.readFile("utf8")), stamp };
  } catch (error) {
    return unlessMissing(path, error);
  }
}

const withoutMark = (text: string) => text.replace(/^\uFEFF/, "");

function stampOf(path: string, stat: BigIntStats): string {
  if (!stat.isFile()) throw unreadable(path, "is not a regular file");
  if (stat.size > CONFIG_BYTES_MAX) throw unreadable(path, `is larger than ${CONFIG_BYTES_MAX / 1024} KiB`);
  return `${stat.mtimeNs}:${stat.ctimeNs}:${stat.size}:${stat.ino}`;
}

function unlessMissing(path: string, error: unknown): undefined {
  if (error instanceof HearthError) throw error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw unreadable(path, `could not be read (${code})`, error);
}

const unreadable = (path: string, why: string, cause?: unknown) =>
  new HearthError("config_invalid", `The configuration ${path} ${why}.`, { cause, details: { file: path } });
