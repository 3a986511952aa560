import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** A file of hearth's own folders. Throws where there is none, also for a named pipe, which would keep a key waiting. */
export function readOwnFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no regular file`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
