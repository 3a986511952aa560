import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Reads a file in hearth's own folders. Throws if it is no regular file: opening a named pipe would block. */
export function readOwnFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no regular file`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
