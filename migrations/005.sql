-- The id of a revoked rule is never reused, so that a revoke only removes the rule that was seen.
CREATE TABLE grants_numbered (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  session_id   TEXT REFERENCES sessions (id) ON DELETE CASCADE,
  rule         TEXT NOT NULL,
  granted_by   TEXT,
  granted_at   TEXT NOT NULL
) STRICT;
INSERT INTO grants_numbered SELECT id, workspace_id, session_id, rule, granted_by, granted_at FROM grants;
DROP TABLE grants;
ALTER TABLE grants_numbered RENAME TO grants;
CREATE UNIQUE INDEX grants_once ON grants (workspace_id, coalesce(session_id, ''), rule);
