import type { Database } from "better-sqlite3";
import type { PermissionId, RunId, WorkspaceId } from "../../protocol/ids.ts";
import type { Permission, PermissionDetail, PermissionOption } from "../../protocol/permission.ts";

type Row = Omit<Permission, "detail" | "options"> & {
  workspace_id: WorkspaceId;
  detail_json: string;
  options_json: string;
};

const toPermission = ({ workspace_id: _, detail_json, options_json, ...row }: Row): Permission => ({
  ...row,
  detail: JSON.parse(detail_json) as PermissionDetail,
  options: JSON.parse(options_json) as PermissionOption[],
});

/** The only code that knows the table `permissions`. */
export function createPermissionRows(db: Database) {
  const insert = db.prepare(`
    INSERT INTO permissions (id, workspace_id, session_id, run_id, tool_call_id, agent, kind, title, detail_json,
      options_json, asked_at, state)
    VALUES (@id, @workspace_id, @session_id, @run_id, @tool_call_id, @agent, @kind, @title, @detail_json,
      @options_json, @asked_at, @state)`);
  const update = db.prepare(`
    UPDATE permissions SET state = @state, decision = @decision, message = @message, answered_by = @answered_by,
      answered_at = @answered_at, detail_json = @detail_json WHERE id = @id`);
  const byId = db.prepare<[string, string], Row>(
    "SELECT * FROM permissions WHERE id = ? AND workspace_id = ?",
  );
  const openOfRun = db.prepare<[string], Row>(
    "SELECT * FROM permissions WHERE run_id = ? AND state = 'open' ORDER BY rowid",
  );
  const openOfAll = db.prepare<[], Row>("SELECT * FROM permissions WHERE state = 'open' ORDER BY rowid");
  const newest = db.prepare<[string, number], Row>(
    "SELECT * FROM permissions WHERE workspace_id = ? ORDER BY rowid DESC LIMIT ?",
  );
  return {
    /** Questions and what was decided without one, newest first. */
    newest: (workspaceId: WorkspaceId, limit: number): Permission[] =>
      newest.all(workspaceId, limit).map(toPermission),
    insert(workspaceId: WorkspaceId, permission: Permission) {
      const { detail, options, ...row } = permission;
      insert.run({
        ...row,
        workspace_id: workspaceId,
        detail_json: JSON.stringify(detail),
        options_json: JSON.stringify(options),
      });
    },
    update(permission: Permission) {
      const { id, state, decision, message, answered_by, answered_at, detail } = permission;
      const detail_json = JSON.stringify(detail);
      update.run({ id, state, decision, message, answered_by, answered_at, detail_json });
    },
    get(workspaceId: WorkspaceId, id: PermissionId): Permission | undefined {
      const row = byId.get(id, workspaceId);
      return row && toPermission(row);
    },
    /** Open questions, oldest first. */
    openOfRun: (runId: RunId): Permission[] => openOfRun.all(runId).map(toPermission),
    allOpen: (): { workspace_id: WorkspaceId; permission: Permission }[] =>
      openOfAll.all().map((row) => ({ workspace_id: row.workspace_id, permission: toPermission(row) })),
  };
}
