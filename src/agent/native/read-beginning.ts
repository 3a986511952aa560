import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** The first bytes of a file, and how many it has in all. */
export type Beginning = { bytes: Buffer; size: number };

/**
 * At most `bytesMax` from the start of a regular file; undefined for anything else, which may be a pipe that nobody
 * ever writes to. Throws what the system says of a file that is not there or may not be read.
 */
export function readBeginning(path: string, bytesMax: number): Beginning | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // opening a pipe would wait for ever
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(bytesMax, stat.size));
    return { bytes: buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0)), size: stat.size };
  } finally {
    closeSync(file);
  }
}
