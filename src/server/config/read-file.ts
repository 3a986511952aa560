import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { HearthError } from "../../protocol/errors.ts";

const CONFIG_BYTES_MAX = 1024 * 1024;

/** A file's text and a stamp that changes when the file does. */
export type ReadFile = { text: string; stamp: string };

/**
 * Reads a configuration file; undefined when there is none. `known` is what an earlier read returned: while the
 * file is as it was then, nothing is read. A repository may contain anything under that name: what is no regular
 * file, or too large for one, is refused.
 */
export function readConfigFile(path: string, known?: ReadFile | undefined): ReadFile | undefined {
  let file: number;
  try {
    // A named pipe must not keep the daemon waiting for its other end.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(path, `could not be read (${code})`, cause);
  }
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile()) throw unreadable(path, "is not a regular file");
    if (stat.size > CONFIG_BYTES_MAX) throw unreadable(path, `is larger than ${CONFIG_BYTES_MAX / 1024} KiB`);
    const stamp = `${stat.mtimeNs}:${stat.ctimeNs}:${stat.size}:${stat.ino}`;
    if (known?.stamp === stamp) return known;
    return { text: readFileSync(file, "utf8").replace(/^\uFEFF/, ""), stamp };
  } catch (cause) {
    if (cause instanceof HearthError) throw cause;
    throw unreadable(path, `could not be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  } finally {
    closeSync(file);
  }
}

const unreadable = (path: string, why: string, cause?: unknown) =>
  new HearthError("config_invalid", `The configuration ${path} ${why}.`, { cause, details: { file: path } });
