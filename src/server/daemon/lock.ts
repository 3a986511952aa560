import { copyFileSync, statSync, truncateSync } from "node:fs";
import Database from "better-sqlite3";
import { HearthError } from "../../protocol/errors.ts";
import { withPrivateUmask } from "./private-folders.ts";

export type DaemonLock = { release(): void };

/**
 * The lock that lets only one daemon run: an exclusive transaction, held open, on an empty database. The system frees
 * it however the process ends. Undefined while another process holds or takes it. When several try at once all may
 * fail, so one that finds no running daemon tries again.
 */
export function tryDaemonLock(file: string): DaemonLock | undefined {
  try {
    return lockUnlessBusy(file);
  } catch (cause) {
    if (/^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(cause))) return lockAfterEmptying(file);
    throw cause;
  }
}

/** Throws SQLite's errors, and HearthError store_unavailable when only a person can fix the cause. */
function lockUnlessBusy(file: string): DaemonLock | undefined {
  let db: Database.Database | undefined;
  try {
    db = withPrivateUmask(() => new Database(file, { timeout: 0 }));
    db.pragma("journal_mode = MEMORY"); // nothing is written, so a crash leaves no journal file
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
 * A file that is not a database was left by a machine crash, and nobody can hold its lock. A copy is kept as
 * `.damaged`. The file is emptied, not replaced: of two daemons that find it at once, the second would replace the file
 * that the first has locked. Emptying it twice is harmless.
 */
function lockAfterEmptying(file: string): DaemonLock | undefined {
  // Skipped if another daemon has just emptied it.
  if (statSync(file).size > 0) copyFileSync(file, `${file}.damaged`);
  truncateSync(file);
  return lockUnlessBusy(file);
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "";
