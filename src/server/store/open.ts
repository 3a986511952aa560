import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { HearthError } from "../../protocol/errors.ts";
import { createAgentSessionRows } from "./agent-sessions.ts";
import { createChangeRows } from "./changes.ts";
import { createCheckpointRows } from "./checkpoints.ts";
import { createEventRows } from "./events.ts";
import { createFileWriteRows } from "./file-writes.ts";
import { createGrantRows } from "./grants.ts";
import { createMessageRows } from "./messages.ts";
import { createNotificationRows } from "./notifications.ts";
import { createPermissionRows } from "./permissions.ts";
import { createRunUsageRows } from "./run-usage.ts";
import { createRunRows } from "./runs.ts";
import { salvage } from "./salvage.ts";
import { createSessionRows } from "./sessions.ts";
import { createTaskRows } from "./tasks.ts";
import { createTrustRows } from "./trust.ts";
import { whyUnwritable } from "./unwritable.ts";
import { createWorkspaceRows } from "./workspaces.ts";
import { createWorktreeRows } from "./worktrees.ts";

const SCHEMA_VERSION = 14;
/** Older releases can corrupt a file with several readers when the WAL is reset. */
const sqliteVersionMin = [3, 51, 3] as const;
/**
 * Above this size the file is only checked in full after damage was found: from a cold disk that takes longer than a
 * start after kill -9 may (design G12).
 */
const CHECKED_BYTES_MAX = 32 * 1024 * 1024;
/** A mark beside the store: damage was found, so the next start checks the whole file. */
const suspectFile = (file: string) => `${file}.suspect`;
/** A longer wait would freeze the event loop; callers retry from a timer. */
const BUSY_TIMEOUT_MS = 40;

export type Durability = "relaxed" | "synced";
export type Store = ReturnType<typeof openStore>;

/**
 * Opens the store; creates it in an empty file. Throws HearthError store_too_new (the file is untouched) or
 * store_unavailable. A damaged file is moved aside (`movedAside`), never overwritten, and what can be read of it is
 * copied.
 */
export function openStore(file: string, log: (message: string) => void = () => {}) {
  let opened: Opened;
  try {
    opened = openSound(file);
  } catch (cause) {
    throw asStoreError(cause, file);
  }
  const { db, movedAside, salvaged } = opened;
  if (movedAside)
    log(
      `the store was damaged; it was moved to ${movedAside}, and ${salvaged} session(s) were saved from it`,
    );
  const setSynced = db.prepare("PRAGMA synchronous = FULL");
  const setRelaxed = db.prepare("PRAGMA synchronous = NORMAL");
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const failure = (cause: unknown): unknown => {
    if (isDamage(cause)) suspect(file);
    return asStoreError(cause, file);
  };

  /** Null between transactions. */
  let running: Durability | null = null;

  return {
    file,
    movedAside,
    /** The number of sessions saved from the store that was moved aside. */
    salvaged,
    workspaces: createWorkspaceRows(db),
    sessions: createSessionRows(db),
    runs: createRunRows(db),
    runUsage: createRunUsageRows(db),
    messages: createMessageRows(db),
    permissions: createPermissionRows(db),
    grants: createGrantRows(db),
    trust: createTrustRows(db),
    worktrees: createWorktreeRows(db),
    changes: createChangeRows(db),
    fileWrites: createFileWriteRows(db),
    tasks: createTaskRows(db),
    agentSessions: createAgentSessionRows(db),
    checkpoints: createCheckpointRows(db),
    notifications: createNotificationRows(db),
    events: createEventRows(db),
    /**
     * Runs one transaction, or joins the running one, which must be as durable. With `synced` the data is on disk when
     * this returns. Throws HearthError store_unavailable if the file cannot be written now.
     */
    transaction<T>(durability: Durability, work: () => T): T {
      if (running !== null) {
        if (durability === "synced" && running !== "synced")
          throw new Error("what has to be on the disk cannot join a transaction that need not be");
        return work();
      }
      try {
        // A transaction whose rollback failed is still open; nothing written into it would be committed.
        if (db.inTransaction) rollback.run();
        (durability === "synced" ? setSynced : setRelaxed).run();
        begin.run();
      } catch (cause) {
        throw failure(cause);
      }
      running = durability;
      try {
        const result = work();
        commit.run();
        return result;
      } catch (cause) {
        if (db.inTransaction) rollback.run();
        throw failure(cause);
      } finally {
        running = null;
      }
    },
    close() {
      db.close();
    },
  };
}

/** SQLite's errors become store_unavailable; other errors pass unchanged. */
function asStoreError(cause: unknown, file: string): unknown {
  if (cause instanceof HearthError) return cause;
  const code = codeOf(cause);
  if (/^SQLITE_CONSTRAINT/.test(code)) return cause;
  if (isDamage(cause)) {
    const message = `The store ${file} is damaged: \`hearth daemon restart\` moves it aside and begins a new one.`;
    return new HearthError("store_unavailable", message, { cause, details: { sqlite: code } });
  }
  if (!/^(SQLITE_|EACCES|EROFS|ENOSPC|EPERM)/.test(code)) return cause;
  const { why, advice } = reasonOf(code, file);
  const reason = advice === "" ? `${why}.` : `${why}. ${advice}`;
  return new HearthError("store_unavailable", `The store ${file} cannot be used: ${reason}`, {
    cause,
    details: { sqlite: code, why: reason },
  });
}

function reasonOf(code: string, file: string): { why: string; advice: string } {
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { why: "another program holds it", advice: "" };
  if (/^(SQLITE_FULL|ENOSPC)/.test(code))
    return { why: "the disk is full", advice: "Free some space there." };
  if (/^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM|EACCES|EROFS|EPERM)/.test(code))
    return whyUnwritable(file);
  return { why: `SQLite says ${code}`, advice: "" };
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "";
const isDamage = (cause: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(cause));

function suspect(file: string) {
  try {
    writeFileSync(suspectFile(file), "", { mode: 0o600 });
  } catch {
    // the next start will find the damage by itself
  }
}

type Opened = { db: Database.Database; movedAside: string | null; salvaged: number };

function openSound(file: string): Opened {
  const first = tryOpen(file);
  if (first) return { db: first, movedAside: null, salvaged: 0 };
  const movedAside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, movedAside + suffix);
  }
  rmSync(suspectFile(file), { force: true });
  const second = tryOpen(file);
  if (!second) throw new Error(`a new store at ${file} does not open`);
  return { db: second, movedAside, salvaged: salvage(second, movedAside) };
}

/** Undefined when the file is damaged. */
function tryOpen(file: string): Database.Database | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    assertVersion(db);
    db.pragma("foreign_keys = ON");
    const isSuspect = existsSync(suspectFile(file));
    if (isSuspect || statSync(file).size <= CHECKED_BYTES_MAX) {
      if (db.pragma("quick_check(1)", { simple: true }) !== "ok") throw damaged();
      if (isSuspect) rmSync(suspectFile(file), { force: true });
    }
    migrate(db, file);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    db.pragma("temp_store = MEMORY");
    return db;
  } catch (cause) {
    db?.close();
    if (isDamage(cause)) return undefined;
    throw cause;
  }
}

const damaged = () => Object.assign(new Error("the store is damaged"), { code: "SQLITE_CORRUPT" });

function assertVersion(db: Database.Database) {
  const text = String(db.prepare("SELECT sqlite_version()").pluck().get());
  const found = text.split(".").map(Number);
  for (const [index, min] of sqliteVersionMin.entries()) {
    const have = found[index] ?? 0;
    if (have > min) return;
    if (have < min)
      throw new Error(`SQLite ${sqliteVersionMin.join(".")} or newer is needed; this is ${text}`);
  }
}

function migrate(db: Database.Database, file: string) {
  const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").pluck().get();
  if (tables === 0) {
    const schema = readFileSync(join(packageRoot(), "schema.sql"), "utf8");
    db.transaction(() => db.exec(schema)).exclusive();
    return;
  }
  const known = db.prepare("SELECT name FROM sqlite_schema WHERE name = 'meta'").pluck().get();
  if (known === undefined)
    throw new HearthError(
      "store_unavailable",
      `${file} is a database, but not hearth's: move it away, or set HEARTH_HOME to another folder.`,
    );
  const version = Number(db.prepare("SELECT value FROM meta WHERE key = 'schema_version'").pluck().get());
  if (version > SCHEMA_VERSION) {
    throw new HearthError(
      "store_too_new",
      `The store ${file} was written by a newer hearth (schema ${version}, this one knows ${SCHEMA_VERSION}). ` +
        "Update hearth, or set HEARTH_HOME to another folder; nothing was changed.",
    );
  }
  if (version === SCHEMA_VERSION) return;
  db.pragma("wal_checkpoint(TRUNCATE)"); // puts a killed daemon's WAL into the copy
  copyFileSync(file, `${file}.before-${SCHEMA_VERSION}`);
  for (let next = version + 1; next <= SCHEMA_VERSION; next += 1) {
    const script = readFileSync(
      join(packageRoot(), "migrations", `${String(next).padStart(3, "0")}.sql`),
      "utf8",
    );
    db.transaction(() => {
      db.exec(script);
      db.prepare("UPDATE meta SET value = ? WHERE key = 'schema_version'").run(String(next));
    }).exclusive();
  }
}

/** The folder that holds schema.sql, for the sources and for the built file. */
function packageRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, "schema.sql"))) return dir;
    if (dir === dirname(dir)) throw new Error("schema.sql is missing from hearth's package");
  }
}
