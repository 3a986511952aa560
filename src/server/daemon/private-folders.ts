import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import type { Paths } from "../../protocol/paths.ts";

const STICKY = 0o1000;
const OTHERS_MAY_WRITE = 0o002;

/**
 * Creates hearth's folders with access for their user only, and restricts what is too open. Throws HearthError
 * unsafe_path for what belongs to somebody else or is a link, store_unavailable for what cannot be created.
 */
export function preparePrivateFolders(paths: Paths, uid: number): void {
  const socketDir = dirname(paths.socket);
  for (const dir of new Set([paths.dataDir, paths.stateDir, paths.runDir, socketDir])) {
    makeFolder(dir, uid, { mayBeLink: false });
  }
  makeFolder(paths.configDir, uid, { mayBeLink: true });
  const { database, keysFile, mcpLoginsFile, log, lockFile, daemonFile, tokenFile } = paths;
  const besides = [`${database}-wal`, `${database}-shm`, `${log}.1`];
  for (const file of [database, keysFile, mcpLoginsFile, log, lockFile, daemonFile, tokenFile, ...besides])
    closeFile(file, uid);
}

/**
 * Runs `work` with a umask that makes new files private. `work` must be synchronous: otherwise the process keeps the
 * umask it was started with, because the files of agents and commands are the user's own.
 */
export function withPrivateUmask<T>(work: () => T): T {
  const umask = process.umask(0o077);
  try {
    return work();
  } finally {
    process.umask(umask);
  }
}

/** Node's own `recursive` never ends where a folder is there in which nothing can be made, such as /proc. */
function makeFolders(path: string): void {
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

function makeFolder(path: string, uid: number, { mayBeLink }: { mayBeLink: boolean }): void {
  if (!statIfPresent(path)) {
    try {
      makeFolders(path);
    } catch (cause) {
      throw cannot("be made", path, cause);
    }
  }
  refuseForeignParent(dirname(path), uid);
  const found = statIfPresent(path);
  if (found?.isSymbolicLink() && mayBeLink) {
    // A link to a folder of the user's own: its mode is left alone.
    if (found.uid !== uid || statSync(path, { throwIfNoEntry: false })?.uid !== uid)
      throw foreign(path, found);
    return;
  }
  if (found?.isSymbolicLink()) throw unsafe(path, "is a link, which hearth does not follow here");
  if (!found?.isDirectory()) throw unsafe(path, "is not a folder");
  if (found.uid !== uid) throw foreign(path, found);
  setMode(path, found, 0o700);
}

/** The owner of the parent folder could replace ours. */
function refuseForeignParent(path: string, uid: number): void {
  const found = statSync(path);
  if (found.uid !== uid && found.uid !== 0) throw foreign(path, found);
  if ((found.mode & STICKY) === 0 && (found.mode & OTHERS_MAY_WRITE) !== 0) {
    if (found.uid !== uid) throw unsafe(path, "may be written by everybody");
    setMode(path, found, found.mode & 0o7777 & ~OTHERS_MAY_WRITE);
  }
}

function closeFile(path: string, uid: number): void {
  const found = statIfPresent(path);
  if (!found) return;
  if (found.isSymbolicLink()) throw unsafe(path, "is a link, which hearth does not follow here");
  if (!found.isFile()) throw unsafe(path, "is not a regular file");
  if (found.uid !== uid) throw foreign(path, found);
  setMode(path, found, 0o600);
}

function statIfPresent(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw cannot("be looked at", path, cause);
  }
}

function setMode(path: string, found: Stats, mode: number): void {
  if ((found.mode & 0o7777) === mode) return;
  try {
    chmodSync(path, mode);
  } catch (cause) {
    throw cannot("be closed to others", path, cause);
  }
}

const unsafe = (path: string, why: string) =>
  new HearthError("unsafe_path", `${path} ${why}: remove it, or set HEARTH_HOME to a folder of your own.`);

const foreign = (path: string, found: Stats) => unsafe(path, `belongs to somebody else (uid ${found.uid})`);

function cannot(what: string, path: string, cause: unknown): HearthError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const message = `${path} cannot ${what} (${code}): make room for it, or set HEARTH_HOME to another folder.`;
  return new HearthError("store_unavailable", message, { cause });
}
