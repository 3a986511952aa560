import Database from "better-sqlite3";
import { HearthError } from "../protocol/errors.ts";
import { privately } from "./private-folders.ts";

export type DaemonLock = { release(): void };

/**
 * The lock that makes a process the one daemon: an exclusive transaction, never ended, on a database that holds
 * nothing. The system frees it however the process ends. Undefined while another process has it, or is about to:
 * of several that try in the same moment all may fail, so a loser that meets no daemon tries again.
 */
export function tryDaemonLock(file: string): DaemonLock | undefined {
  let db: Database.Database | undefined;
  try {
    db = privately(() => new Database(file, { timeout: 0 }));
    db.pragma("journal_mode = MEMORY"); // nothing is ever written: no file beside it for a crash to leave
    db.exec("BEGIN EXCLUSIVE");
    const held = db;
    return { release: () => held.close() };
  } catch (cause) {
    db?.close();
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return undefined;
    if (!code.startsWith("SQLITE_")) throw cause;
    const message = `The lock ${file} cannot be taken (${code}): remove that file, or set HEARTH_HOME to another folder.`;
    throw new HearthError("store_unavailable", message, { cause });
  }
}
