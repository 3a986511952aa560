import Database from "better-sqlite3";

/** After this many unreadable pages the rest of a table is given up. */
const MISSES_MAX = 1000;
/** Time limit during a start; the rest stays in the file that was moved aside. */
const SALVAGE_MS_MAX = 10_000;

/** The newest reserved number may be lost, and no event number may be used twice. */
const LOST_SEQS = 1_000_000;

/**
 * Copies what is readable in the damaged store `from` into the new, empty `db`: complete rows whose session and
 * workspace exist. Events are not copied: clients take a new snapshot. Never throws; an unreadable store counts as
 * empty. Returns the number of sessions saved.
 */
export function salvage(db: Database.Database, from: string): number {
  let damaged: Database.Database;
  try {
    damaged = new Database(from, { readonly: true, fileMustExist: true });
    // Allows opening a truncated file. Nothing is written through this connection.
    damaged.unsafeMode(true);
    damaged.pragma("writable_schema = ON");
  } catch {
    return 0;
  }
  const deadline = performance.now() + SALVAGE_MS_MAX;
  const tables = db
    .prepare<[], { name: string; wr: number }>(
      "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('meta', 'events')",
    )
    .all();
  try {
    db.pragma("foreign_keys = OFF");
    return db.transaction(() => {
      for (const { name, wr } of tables) copyTable(db, damaged, name, wr === 1, deadline);
      for (const { name } of tables) dropGarbage(db, name);
      db.exec("DELETE FROM runs WHERE message_id NOT IN (SELECT id FROM messages)");
      dropStrays(db);
      db.prepare("UPDATE workspaces SET seq_reserved = seq_reserved + ?").run(LOST_SEQS);
      db.exec("UPDATE workspaces SET events_floor = seq_reserved");
      return Number(db.prepare("SELECT count(*) FROM sessions").pluck().get());
    })();
  } catch {
    return 0; // the transaction rolled back the copy
  } finally {
    db.pragma("foreign_keys = ON");
    damaged.close();
  }
}

function copyTable(
  db: Database.Database,
  damaged: Database.Database,
  table: string,
  isWithoutRowid: boolean,
  deadline: number,
): void {
  const there = columnsOf(damaged, table);
  const names = columnsOf(db, table).filter((name) => there.includes(name));
  if (names.length === 0) return; // the schema page is lost, or an older store had no such columns
  const insert = db.prepare(
    `INSERT OR IGNORE INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
  );
  if (isWithoutRowid) {
    try {
      const rows = damaged.prepare(`SELECT ${names.join(", ")} FROM ${table}`).raw();
      for (const row of rows.iterate()) insertSound(insert, row as unknown[]);
    } catch {
      // The content of such tables can be rebuilt.
    }
    return;
  }
  // NOT INDEXED: an index may be damaged where its table is not.
  const select = `SELECT rowid, ${names.join(", ")} FROM ${table} NOT INDEXED WHERE rowid > ? ORDER BY rowid`;
  let rows: Database.Statement<[number], unknown[]>;
  try {
    rows = damaged.prepare<[number], unknown[]>(select).raw();
  } catch {
    return; // its root page is lost
  }
  let from = 0;
  let step = 1;
  for (let misses = 0; misses < MISSES_MAX && performance.now() < deadline; misses += 1) {
    try {
      for (const row of rows.iterate(from)) {
        const [rowid, ...values] = row;
        insertSound(insert, values);
        from = Number(rowid);
        step = 1;
        misses = 0;
      }
      return;
    } catch {
      // Unreadable page: later rows may be readable.
      from += step;
      step = Math.min(step * 2, 64);
    }
  }
}

/** Quoted column names; empty if they cannot be read. Older schemas have fewer. */
function columnsOf(db: Database.Database, table: string): string[] {
  try {
    return (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => `"${name}"`);
  } catch {
    return [];
  }
}

/** A readable row may still be garbage: the new table's checks refuse it. */
function insertSound(insert: Database.Statement, row: unknown[]): void {
  try {
    insert.run(...row);
  } catch {
    // skip it
  }
}

/** A long text lies in pages of its own, which may be damaged where its row is not: what was JSON is looked at. */
function dropGarbage(db: Database.Database, table: string): void {
  const columns = db.pragma(`table_info(${table})`) as { name: string; notnull: number }[];
  for (const { name, notnull } of columns.filter((column) => column.name.endsWith("_json"))) {
    const isGarbage = `${name} IS NOT NULL AND NOT json_valid(${name})`;
    db.exec(
      notnull === 1
        ? `DELETE FROM ${table} WHERE ${isGarbage}`
        : `UPDATE ${table} SET ${name} = NULL WHERE ${isGarbage}`,
    );
  }
}

/** Deletes rows that refer to rows that were not saved; repeated, because each round may orphan more. */
function dropStrays(db: Database.Database): void {
  for (;;) {
    const strays = db.pragma("foreign_key_check") as { table: string; rowid: number | null }[];
    if (strays.length === 0) return;
    for (const table of new Set(strays.map((stray) => stray.table))) {
      const rows = strays.filter((stray) => stray.table === table && stray.rowid !== null);
      const remove = db.prepare(`DELETE FROM ${table} WHERE rowid = ?`);
      for (const { rowid } of rows) remove.run(rowid);
      if (rows.length > 0) continue;
      // Without rowids no row can be selected. Such tables can be rebuilt.
      db.prepare(`DELETE FROM ${table}`).run();
    }
  }
}
