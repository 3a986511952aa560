import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { HearthError } from "../../protocol/errors.ts";

const CONFIG_BYTES_MAX = 1024 * 1024;
/** A named pipe must not keep anybody waiting for its other end. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file's text and a stamp that changes when the file does. */
export type ReadFile = { text: string; stamp: string };

/**
 * Reads a configuration file; undefined when there is none. `known` is what an earlier read returned: while the
 * file is as it was then, nothing is read. A repository may contain anything under that name: what is no regular
 * file, or too large for one, is refused.
 *
 * Synchronous, for hearth's own folder: where that does not answer, nothing of hearth can work.
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

/** The same for a project's file, whose folder may be on a share that is gone. */
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
