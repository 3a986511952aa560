import type { Database } from "better-sqlite3";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Grant } from "../../protocol/permission.ts";

/** The only code that knows the table `grants`. */
export function createGrantRows(db: Database) {
  const insert = db.prepare<[string, string | null, string, string | null, string]>(`
    INSERT OR IGNORE INTO grants (workspace_id, session_id, rule, granted_by, granted_at) VALUES (?, ?, ?, ?, ?)`);
  const ofSession = db
    .prepare<[string, string], string>(
      "SELECT rule FROM grants WHERE workspace_id = ? AND session_id = ? ORDER BY id",
    )
    .pluck();
  const always = db
    .prepare<[string], string>(
      "SELECT rule FROM grants WHERE workspace_id = ? AND session_id IS NULL ORDER BY id",
    )
    .pluck();
  const forget = db.prepare<[string]>("DELETE FROM grants WHERE workspace_id = ?");
  const all = db.prepare<[string], Grant>(`
    SELECT id, session_id, rule, granted_by, granted_at FROM grants WHERE workspace_id = ? ORDER BY id`);
  const remove = db.prepare<[string, number], Grant>(`
    DELETE FROM grants WHERE workspace_id = ? AND id = ? RETURNING id, session_id, rule, granted_by, granted_at`);
  return {
    all: (workspaceId: WorkspaceId): Grant[] => all.all(workspaceId),
    /** Returns the removed grant. */
    remove: (workspaceId: WorkspaceId, id: number): Grant | undefined => remove.get(workspaceId, id),
    /** Deletes all grants of the workspace. */
    forgetWorkspace: (workspaceId: WorkspaceId) => void forget.run(workspaceId),
    insert(grant: {
      workspace_id: WorkspaceId;
      session_id: SessionId | null;
      rule: string;
      granted_by: string | null;
      granted_at: string;
    }) {
      insert.run(grant.workspace_id, grant.session_id, grant.rule, grant.granted_by, grant.granted_at);
    },
    ofSession: (workspaceId: WorkspaceId, sessionId: SessionId) => ofSession.all(workspaceId, sessionId),
    always: (workspaceId: WorkspaceId) => always.all(workspaceId),
  };
}
