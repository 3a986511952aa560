import type { Database } from "better-sqlite3";
import type { WorkspaceId } from "../../protocol/ids.ts";

/** The only code that knows the table `trust`. */
export function createTrustRows(db: Database) {
  const insert = db.prepare<[string, string, string | null, string]>(
    "INSERT OR IGNORE INTO trust (workspace_id, hash, trusted_by, trusted_at) VALUES (?, ?, ?, ?)",
  );
  const hashes = db.prepare<[string], string>("SELECT hash FROM trust WHERE workspace_id = ?").pluck();
  const forget = db.prepare<[string]>("DELETE FROM trust WHERE workspace_id = ?");
  return {
    insert: (workspaceId: WorkspaceId, hash: string, by: string | null, at: string) =>
      void insert.run(workspaceId, hash, by, at),
    hashes: (workspaceId: WorkspaceId): Set<string> => new Set(hashes.all(workspaceId)),
    forgetWorkspace: (workspaceId: WorkspaceId) => void forget.run(workspaceId),
  };
}
