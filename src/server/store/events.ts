import type { Database } from "better-sqlite3";
import type { EventType, HearthEvent } from "../../protocol/events.ts";
import type { WorkspaceId } from "../../protocol/ids.ts";

type Row = { seq: number; type: string; time: string; session_id: string | null; payload_json: string };

/** Bounds one deletion: deleting a whole expired window would block the first reader for a second. */
const PRUNED_AT_ONCE_MAX = 5000;

/** The only code that knows the table `events`. */
export function createEventRows(db: Database) {
  const insert = db.prepare<[string, number, string, string, string | null, string, number]>(`
    INSERT INTO events (workspace_id, seq, type, time, session_id, payload_json, payload_bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const after = db.prepare<[string, number, number], Row>(`
    SELECT seq, type, time, session_id, payload_json FROM events
    WHERE workspace_id = ? AND seq > ? ORDER BY seq LIMIT ?`);
  // The inner query reads only the index and never touches payloads of other types.
  const ofTypes = db.prepare<[{ workspace: string; types: string }], Pick<Row, "type" | "payload_json">>(`
    SELECT type, payload_json FROM events
    WHERE workspace_id = @workspace AND seq IN (
      SELECT seq FROM events
      WHERE workspace_id = @workspace AND type IN (SELECT value FROM json_each(@types)))
    ORDER BY seq`);
  // The newest row outside the window by count, bytes or age.
  const outside = db
    .prepare<[{ workspace: string; events: number; bytes: number; since: string }], number | null>(`
      SELECT max(seq) FROM (
        SELECT seq, time, row_number() OVER newest AS number, sum(payload_bytes) OVER newest AS bytes
        FROM events WHERE workspace_id = @workspace
        WINDOW newest AS (ORDER BY seq DESC ROWS UNBOUNDED PRECEDING))
      WHERE number > @events OR bytes > @bytes OR time < @since`)
    .pluck();
  const nthOldest = db
    .prepare<[string, number], number>(
      "SELECT seq FROM events WHERE workspace_id = ? ORDER BY seq LIMIT 1 OFFSET ?",
    )
    .pluck();
  const prune = db.prepare<[string, number]>("DELETE FROM events WHERE workspace_id = ? AND seq <= ?");
  return {
    /** `bytes`: what the event weighs in the window that is kept, as it was sent. */
    insert(workspaceId: WorkspaceId, event: HearthEvent, payloadJson: string, bytes: number) {
      const { seq, type, time, session_id } = event;
      insert.run(workspaceId, seq, type, time, session_id ?? null, payloadJson, bytes);
    },
    /** Rows in order, up to the page's bounds; the payload stays JSON. */
    after(
      workspaceId: WorkspaceId,
      seq: number,
      page: { events: number; bytes: number },
    ): { rows: Row[]; isLast: boolean } {
      const rows: Row[] = [];
      let bytes = 0;
      for (const row of after.iterate(workspaceId, seq, page.events)) {
        rows.push(row);
        bytes += row.payload_json.length;
        if (bytes >= page.bytes) return { rows, isLast: false };
      }
      return { rows, isLast: rows.length < page.events };
    },
    /** The events of the given types, in order. */
    ofTypes: (workspaceId: WorkspaceId, types: readonly EventType[]) =>
      ofTypes.all({ workspace: workspaceId, types: JSON.stringify(types) }),
    /**
     * Deletes a bounded number of events outside the window. Returns the new floor; undefined if nothing was deleted.
     */
    prune(
      workspaceId: WorkspaceId,
      window: { events: number; bytes: number; since: string },
    ): number | undefined {
      const wanted = outside.get({ workspace: workspaceId, ...window }) ?? null;
      if (wanted === null) return undefined;
      const floor = Math.min(wanted, nthOldest.get(workspaceId, PRUNED_AT_ONCE_MAX) ?? wanted);
      return prune.run(workspaceId, floor).changes > 0 ? floor : undefined;
    },
  };
}
