import Database from "better-sqlite3";
import { expect } from "vitest";
import type { RunId } from "../../src/protocol/ids.ts";

type EventRow = { seq: number; type: string; payload_json: string };

/**
 * The guarantees, read from the store's rows alone once every run has ended: what was accepted is there, has
 * exactly one end, and its messages and tool calls say how it ended.
 */
export function checkStore(file: string, accepted: readonly RunId[]) {
  const db = new Database(file, { readonly: true });
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    const events = db.prepare<[], EventRow>("SELECT seq, type, payload_json FROM events ORDER BY seq").all();
    const ends = new Map<string, string[]>();
    for (const event of events.filter(({ type }) => type === "run.completed")) {
      const { run_id, outcome } = JSON.parse(event.payload_json) as { run_id: string; outcome: string };
      ends.set(run_id, [...(ends.get(run_id) ?? []), outcome]);
    }
    const starts = events
      .filter(({ type }) => type === "run.started")
      .map(({ payload_json }) => JSON.parse(payload_json).run.id);
    expect(new Set(starts).size, "no run starts twice").toBe(starts.length);
    for (const id of accepted) {
      const run = db
        .prepare<[string], { state: string; outcome: string; message_id: string; started_at: string | null }>(
          "SELECT state, outcome, message_id, started_at FROM runs WHERE id = ?",
        )
        .get(id);
      expect(run, "what was acknowledged is there").toBeDefined();
      expect(run?.state).toBe("completed");
      expect(ends.get(id), "G8: exactly one end, and the store agrees").toEqual([run?.outcome]);
      const messages = db
        .prepare<
          [string],
          { id: string; role: string; finish_reason: string | null; completed_at: string | null }
        >("SELECT id, role, finish_reason, completed_at FROM messages WHERE run_id = ? ORDER BY seq")
        .all(id);
      expect(messages[0]?.id, "the user message comes first").toBe(run?.message_id);
      expect(
        messages.slice(1).every(({ completed_at }) => completed_at !== null),
        "every message is settled",
      ).toBe(true);
      if (run?.outcome !== "steered") {
        expect(messages.at(-1)?.role).toBe("assistant");
        expect(messages.at(-1)?.finish_reason, "the last message says how it ended").toBe(run?.outcome);
      }
    }
    const open = db
      .prepare(
        'SELECT count(*) FROM parts WHERE data_json LIKE \'%"status":"running"%\' OR data_json LIKE \'%"status":"pending"%\'',
      )
      .pluck()
      .get();
    expect(open, "each tool call has exactly one terminal state").toBe(0);
    expect(db.prepare("SELECT count(*) FROM part_deltas").pluck().get(), "streamed text is folded").toBe(0);
    const texts = db
      .prepare<[], { run_id: string; text: string }>(
        "SELECT run_id, text FROM parts JOIN messages ON messages.id = parts.message_id",
      )
      .all();
    for (const { run_id, text } of texts) {
      const told = text.match(/\[[^\]]*\]/g) ?? [];
      expect(
        told.every((word) => word === `[${run_id}]`),
        "G9: no word of one turn stands in another",
      ).toBe(true);
    }
  } finally {
    db.close();
  }
}
