import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";

type Row = Record<string, unknown>;
const id = (prefix: string) => `${prefix}_${randomBytes(16).toString("hex")}`;

function inStore<T>(file: string, work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return db.transaction(() => work(db))();
  } finally {
    db.close();
  }
}

function inserter(db: Database.Database, table: string) {
  const columns = db.prepare<[], { name: string }>(`PRAGMA table_info(${table})`).all();
  const names = columns.map(({ name }) => name);
  const statement = db.prepare(
    `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`,
  );
  return (row: Row) => void statement.run(row);
}

/** Copies the last turn of the session behind its end until it holds so many messages. */
export function copyTurn(file: string, sid: string, count: number): void {
  inStore(file, (db) => {
    const all = (sql: string, ...bound: string[]) => db.prepare<string[], Row>(sql).all(...bound);
    const [run] = all("SELECT * FROM runs WHERE session_id = ? ORDER BY accepted_seq DESC LIMIT 1", sid);
    const runId = String(run?.["id"]);
    const messages = all("SELECT * FROM messages WHERE run_id = ? ORDER BY seq", runId);
    const parts = new Map(
      messages.map((message) => [
        message,
        all("SELECT * FROM parts WHERE message_id = ?", String(message["id"])),
      ]),
    );
    const [insertRun, insertMessage, insertPart] = ["runs", "messages", "parts"].map((table) =>
      inserter(db, table),
    );
    let seq = Number(messages.at(-1)?.["seq"]);
    for (let turn = Number(run?.["accepted_seq"]) + 1; seq < count; turn += 1) {
      const newRun = id("run");
      insertRun?.({ ...run, id: newRun, accepted_seq: turn });
      for (const message of messages) {
        const messageId = id("msg");
        seq += 1;
        insertMessage?.({ ...message, id: messageId, run_id: newRun, seq });
        for (const part of parts.get(message) ?? [])
          insertPart?.({ ...part, id: id("prt"), message_id: messageId });
      }
    }
  });
}

/** So many runs that have ended, of a thousand sessions, twelve models and half a year. */
export function fillUsage(file: string, count: number): void {
  inStore(file, (db) => {
    const [workspace] = db.prepare<[], { id: string }>("SELECT id FROM workspaces").all();
    const [session] = db.prepare<[], Row>("SELECT * FROM sessions").all();
    const insertSession = inserter(db, "sessions");
    const insert = inserter(db, "run_usage");
    const sessions = Array.from({ length: 1000 }, (_, at) => {
      const sid = id("ses");
      insertSession({ ...session, id: sid, title: `work number ${at}`, used_seq: 1000 + at });
      return sid;
    });
    for (let at = 0; at < count; at += 1)
      insert({
        ...{ run_id: id("run"), workspace_id: workspace?.id, session_id: sessions[at % 1000] },
        ...{ agent: `agent-${at % 5}`, model: `local/model-${at % 12}` },
        day: new Date(Date.UTC(2026, 0, 1 + (at % 180))).toISOString().slice(0, 10),
        ...{ input_tokens: 1000 + at, output_tokens: at % 500, reasoning_tokens: 0 },
        ...{ cache_read_tokens: at % 900, cache_write_tokens: 0, cost: (at % 100) / 100 },
      });
  });
}

/** So many events that nobody has seen, as a day of work leaves them. Returns the number of the one before them. */
export function fillEvents(file: string, count: number): number {
  return inStore(file, (db) => {
    const events = db.prepare<[], Row>("SELECT * FROM events ORDER BY seq").all();
    const [workspace] = db
      .prepare<[], { id: string; seq_reserved: number }>("SELECT id, seq_reserved FROM workspaces")
      .all();
    const insert = inserter(db, "events");
    const first = workspace?.seq_reserved ?? 0;
    const told = events.filter(({ type }) => type !== "client.attached" && type !== "client.detached");
    for (let at = 1; at <= count; at += 1) insert({ ...told[at % told.length], seq: first + at });
    db.prepare("UPDATE workspaces SET seq_reserved = ?").run(first + count);
    return first;
  });
}
