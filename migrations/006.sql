-- What a person trusted of the things that a project's own files would start.
CREATE TABLE trust (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  hash         TEXT NOT NULL,
  trusted_by   TEXT,
  trusted_at   TEXT NOT NULL,
  PRIMARY KEY (workspace_id, hash)
) STRICT, WITHOUT ROWID;
