import { copyFileSync, statSync, truncateSync } from "node:fs";
import Database from "better-sqlite3";
import { HearthError } from "../../protocol/errors.ts";
import { withPrivateUmask } from "./private-folders.ts";

export type DaemonLock = { release(): void };

/**
 * The lock that makes a process the one daemon: an exclusive transaction, never ended, on a database that holds
 * nothing. The system frees it however the process ends. Undefined while another process has it, or is about to:
 * of several that try in the same moment all may fail, so a loser that meets no daemon tries again.
 */
export function tryDaemonLock(file: string): DaemonLock | undefined {
  try {
    return lockUnlessBusy(file);
  } catch (cause) {
    if (/^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(cause))) return lockAfterEmptying(file);
    throw cause;
  }
}

/** Throws what SQLite throws, and HearthError store_unavailable where nobody but a person can mend it. */
function lockUnlessBusy(file: string): DaemonLock | undefined {
  let db: Database.Database | undefined;
  try {
    db = withPrivateUmask(() => new Database(file, { timeout: 0 }));
    db.pragma("journal_mode = MEMORY"); // nothing is ever written: no file beside it for a crash to leave
    db.exec("BEGIN EXCLUSIVE");
    const held = db;
    return { release: () => held.close() };
  } catch (cause) {
    db?.close();
    const code = codeOf(cause);
    if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return undefined;
    if (!code.startsWith("SQLITE_") || /^SQLITE_(NOTADB|CORRUPT)/.test(code)) throw cause;
    const message = `The lock ${file} cannot be taken (${code}): remove that file, or set HEARTH_HOME to another folder.`;
    throw new HearthError("store_unavailable", message, { cause });
  }
}

/**
 * Nobody can hold what is no database: a crash of the machine left it. It is kept beside as `.damaged`. The file stays
 * the same one, emptied, and not a new one in its place: of two daemons that find it at once the second would put
 * another file where the first has its lock. Emptying it twice harms nobody, as a lock holds nothing.
 */
function lockAfterEmptying(file: string): DaemonLock | undefined {
  // Not when another daemon has emptied it a moment ago.
  if (statSync(file).size > 0) copyFileSync(file, `${file}.damaged`);
  truncateSync(file);
  return lockUnlessBusy(file);
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "";
