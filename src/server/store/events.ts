import type { Database } from "better-sqlite3";
import type { EventType, HearthEvent } from "../../protocol/events.ts";
import type { WorkspaceId } from "../../protocol/ids.ts";

type Row = { seq: number; type: string; time: string; session_id: string | null; payload_json: string };

/** The only code that knows the table `events`. */
export function createEventRows(db: Database) {
  const insert = db.prepare<[string, number, string, string, string | null, string]>(
    "INSERT INTO events (workspace_id, seq, type, time, session_id, payload_json) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const after = db.prepare<[string, number, number], Row>(`
    SELECT seq, type, time, session_id, payload_json FROM events
    WHERE workspace_id = ? AND seq > ? ORDER BY seq LIMIT ?`);
  const ofTypes = db.prepare<[string, string], Pick<Row, "type" | "payload_json">>(`
    SELECT type, payload_json FROM events
    WHERE workspace_id = ? AND type IN (SELECT value FROM json_each(?)) ORDER BY seq`);
  // The oldest seq that the window keeps: the newest rows by count, bytes and age.
  const floorByCount = db
    .prepare<[string, number], number>(
      "SELECT seq FROM events WHERE workspace_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
    )
    .pluck();
  const floorByBytes = db
    .prepare<[string, number], number>(`
      SELECT max(seq) FROM (
        SELECT seq, sum(length(payload_json)) OVER (ORDER BY seq DESC) AS bytes FROM events WHERE workspace_id = ?
      ) WHERE bytes > ?`)
    .pluck();
  const floorByAge = db
    .prepare<[string, string], number>("SELECT max(seq) FROM events WHERE workspace_id = ? AND time < ?")
    .pluck();
  const prune = db.prepare<[string, number]>("DELETE FROM events WHERE workspace_id = ? AND seq <= ?");
  return {
    insert(workspaceId: WorkspaceId, event: HearthEvent, payloadJson: string) {
      insert.run(workspaceId, event.seq, event.type, event.time, event.session_id ?? null, payloadJson);
    },
    /** In order; rows as they were stored, the payload still JSON. */
    after: (workspaceId: WorkspaceId, seq: number, limit: number): Row[] =>
      after.all(workspaceId, seq, limit),
    /** Those of some types alone, in order. */
    ofTypes: (workspaceId: WorkspaceId, types: readonly EventType[]) =>
      ofTypes.all(workspaceId, JSON.stringify(types)),
    /** Drops what is outside the window. Returns the new floor, or undefined when nothing went. */
    prune(
      workspaceId: WorkspaceId,
      window: { events: number; bytes: number; since: string },
    ): number | undefined {
      const floor = Math.max(
        floorByCount.get(workspaceId, window.events) ?? 0,
        floorByBytes.get(workspaceId, window.bytes) ?? 0,
        floorByAge.get(workspaceId, window.since) ?? 0,
      );
      if (floor === 0) return undefined;
      return prune.run(workspaceId, floor).changes > 0 ? floor : undefined;
    },
  };
}
