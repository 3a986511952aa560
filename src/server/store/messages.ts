import type { Database } from "better-sqlite3";
import type { MessageId, PartId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { Usage } from "../../protocol/usage.ts";
import { createMessageJson } from "./message-json.ts";

/** A message row, without its parts. */
export type MessageHead = Omit<Message, "parts" | "usage"> & { usage_json: string | null };
type FoundText = Pick<Message, "role" | "created_at"> & { message_id: MessageId; text: string };
type PartRow = { id: PartId; message_id: MessageId; text: string; data_json: string; tail: string | null };

/** The column `text` holds the streamed field: a tool call's output, any other part's text. */
const streamedText = (part: Part): string =>
  part.type === "tool_call" ? part.output : "text" in part ? part.text : "";

function toPart(row: PartRow): Part {
  const text = row.text + (row.tail ?? "");
  const data = JSON.parse(row.data_json) as Part;
  if (data.type === "tool_call") return { ...data, output: text };
  return data.type === "file" ? data : { ...data, text };
}

/** The only code that knows the tables `messages`, `parts` and `part_deltas`. */
export function createMessageRows(db: Database) {
  const json = createMessageJson();
  const nextSeq = db
    .prepare<[string], number>("SELECT coalesce(max(seq), 0) + 1 FROM messages WHERE session_id = ?")
    .pluck();
  const upsert = db.prepare(`
    INSERT INTO messages (id, session_id, run_id, seq, role, agent, model, finish_reason, created_at, updated_at,
      completed_at, usage_json)
    VALUES (@id, @session_id, @run_id, @seq, @role, @agent, @model, @finish_reason, @created_at, @updated_at,
      @completed_at, @usage_json)
    ON CONFLICT (id) DO UPDATE SET seq = @seq, model = @model, finish_reason = @finish_reason,
      updated_at = @updated_at, completed_at = @completed_at, usage_json = @usage_json`);
  const upsertPart = db.prepare<[PartId, MessageId, number, string, string]>(`
    INSERT INTO parts (id, message_id, position, text, data_json) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET text = excluded.text, data_json = excluded.data_json`);
  const dropParts = db.prepare<[string]>("DELETE FROM parts WHERE message_id = ?");
  const insertDelta = db.prepare<[PartId, string]>("INSERT INTO part_deltas (part_id, text) VALUES (?, ?)");
  const dropDeltas = db.prepare<[string]>("DELETE FROM part_deltas WHERE part_id = ?");
  const byId = db.prepare<[string], MessageHead>("SELECT * FROM messages WHERE id = ?");
  const byRun = db.prepare<[string, string], MessageHead>(
    "SELECT * FROM messages WHERE run_id = ? AND session_id = ? ORDER BY seq",
  );
  const page = db.prepare<[string, number, number], MessageHead>(
    "SELECT * FROM messages WHERE session_id = ? AND seq < ? AND undone = 0 ORDER BY seq DESC LIMIT ?",
  );
  const pageAfter = db.prepare<[string, number, number], MessageHead>(
    "SELECT * FROM messages WHERE session_id = ? AND seq > ? AND undone = 0 ORDER BY seq LIMIT ?",
  );
  const lowestOfPage = db
    .prepare<[string, number, number], number | null>(
      "SELECT min(seq) FROM (SELECT seq FROM messages WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?)",
    )
    .pluck();
  const withText = db.prepare<[string, number, number, string], FoundText>(`
    SELECT m.id AS message_id, m.role, m.created_at, p.text FROM messages m JOIN parts p ON p.message_id = m.id
    WHERE m.session_id = ? AND m.seq < ? AND m.seq >= ? AND m.undone = 0 AND p.text LIKE ? ESCAPE '\\'
      AND p.data_json ->> '$.type' = 'text'
    ORDER BY m.seq DESC, p.position`);
  const dropNewest = db.prepare<[string, number]>(
    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE session_id = ? ORDER BY seq DESC LIMIT ?)",
  );
  const hide = db
    .prepare<[string, number], MessageId>(`
      UPDATE messages SET undone = 1 WHERE session_id = ? AND seq >= ? AND undone = 0
        AND run_id NOT IN (SELECT id FROM runs WHERE session_id = messages.session_id AND state <> 'completed')
      RETURNING id`)
    .pluck();
  const show = db.prepare<[string, number, number], MessageHead>(
    "UPDATE messages SET undone = 0 WHERE session_id = ? AND seq >= ? AND seq < ? AND undone = 1 RETURNING *",
  );
  const forgetUndone = db.prepare<[string]>(
    "UPDATE messages SET undone = 2 WHERE session_id = ? AND undone = 1",
  );
  const partsOf = db.prepare<[string], PartRow>(`
    SELECT id, message_id, text, data_json,
      (SELECT group_concat(text, '' ORDER BY id) FROM part_deltas WHERE part_id = parts.id) AS tail
    FROM parts WHERE message_id = ? ORDER BY position`);

  const toMessage = (row: MessageHead): Message => ({
    id: row.id,
    session_id: row.session_id,
    run_id: row.run_id,
    seq: row.seq,
    role: row.role,
    agent: row.agent,
    model: row.model,
    parts: partsOf.all(row.id).map(toPart),
    finish_reason: row.finish_reason,
    ...(row.usage_json !== null && { usage: JSON.parse(row.usage_json) as Usage }),
    created_at: row.created_at,
    updated_at: row.updated_at,
    completed_at: row.completed_at,
  });

  return {
    /** The seq of the session's next message. */
    nextSeq: (sessionId: SessionId): number => nextSeq.get(sessionId) ?? 1,
    /** Writes the message row and the given parts, with their streamed text folded in. */
    put(message: Message, parts: readonly Part[] = message.parts) {
      upsert.run({ ...message, usage_json: message.usage ? JSON.stringify(message.usage) : null });
      for (const part of parts) {
        const position = message.parts.indexOf(part);
        upsertPart.run(part.id, message.id, position, streamedText(part), json.data(part));
        dropDeltas.run(part.id);
      }
    },
    /** The whole message as JSON, to be told after it was written. */
    json: json.message,
    /** Replaces all parts of an edited prompt. */
    replaceParts(message: Message) {
      dropParts.run(message.id);
      this.put(message);
    },
    appendDelta: (partId: PartId, text: string) => void insertDelta.run(partId, text),
    get(id: string): Message | undefined {
      const row = byId.get(id);
      return row && toMessage(row);
    },
    /** A run's messages, oldest first. Copies in forks do not count. */
    ofRun: (sessionId: SessionId, runId: RunId): Message[] => byRun.all(runId, sessionId).map(toMessage),
    /** The same without their parts. */
    headsOfRun: (sessionId: SessionId, runId: RunId): MessageHead[] => byRun.all(runId, sessionId),
    /** The newest `limit` rows below `beforeSeq`, oldest first. `whole` reads their parts. */
    heads: (sessionId: SessionId, beforeSeq: number, limit: number): MessageHead[] =>
      page.all(sessionId, beforeSeq, limit).reverse(),
    /** The oldest `limit` rows above `afterSeq`, oldest first. */
    headsAfter: (sessionId: SessionId, afterSeq: number, limit: number): MessageHead[] =>
      pageAfter.all(sessionId, afterSeq, limit),
    /**
     * Of the newest `limit` messages below `beforeSeq` those in which somebody says that text, whatever its case, and
     * where the next page begins; null at the end.
     */
    withText(sessionId: SessionId, beforeSeq: number, limit: number, text: string) {
      const lowest = lowestOfPage.get(sessionId, beforeSeq, limit) ?? null;
      const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
      const found = lowest === null ? [] : withText.all(sessionId, beforeSeq, lowest, pattern);
      return { found, next: lowest };
    },
    whole: toMessage,
    /** The same with parts, for a page known to be small. */
    page: (sessionId: SessionId, beforeSeq: number, limit: number): Message[] =>
      page.all(sessionId, beforeSeq, limit).map(toMessage).reverse(),
    /** Takes back the messages from that one on, but for those of prompts that wait. Returns their ids. */
    hide: (sessionId: SessionId, fromSeq: number): MessageId[] => hide.all(sessionId, fromSeq),
    /** Brings back messages that were taken back, oldest first. */
    show: (sessionId: SessionId, fromSeq: number, beforeSeq: number): Message[] =>
      show
        .all(sessionId, fromSeq, beforeSeq)
        .sort((a, b) => a.seq - b.seq)
        .map(toMessage),
    /** What was taken back cannot be brought back any more. */
    forgetUndone: (sessionId: SessionId) => void forgetUndone.run(sessionId),
    /** Deletes the newest messages with their parts; returns how many. */
    drop: (sessionId: SessionId, limit: number): number => dropNewest.run(sessionId, limit).changes,
  };
}
