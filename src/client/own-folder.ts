import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { HearthError } from "../protocol/errors.ts";

/** Creates a folder with mode 0700. Throws unsafe_path if it is a link or belongs to somebody else. */
export function makeOwnFolder(path: string): void {
  try {
    makeFolders(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const message = `The folder ${path} could not be created (${code}): make it writable, or set HEARTH_HOME to another.`;
    throw new HearthError("unsafe_path", message, { cause });
  }
  assertOwn(path, process.getuid?.());
  if ((lstatSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

/** Node's own `recursive` never ends where a folder is there in which nothing can be made, such as /proc. */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    makeFolders(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** Throws unsafe_path if `path` is a link or belongs to another user. Throws ENOENT as lstat does. */
export function assertOwn(path: string, uid: number | undefined): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) {
    throw new HearthError(
      "unsafe_path",
      `${path} is a link: hearth does not follow it; remove it or set HEARTH_HOME.`,
    );
  }
  if (uid !== undefined && stat.uid !== uid) {
    throw new HearthError(
      "unsafe_path",
      `${path} belongs to somebody else (uid ${stat.uid}): remove it, or set HEARTH_HOME to a folder of your own.`,
    );
  }
}
