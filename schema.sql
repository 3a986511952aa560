-- The whole store. Applied as it is to an empty file; migrations/NNN.sql bring an older store to this state. Ids start
-- with a prefix for their kind. Times are ISO 8601 UTC with milliseconds, for people: order comes from seq columns.
-- Columns named *_json hold JSON. The daemon is the only writer. No log and no secret is ever stored here.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('schema_version', '14');

-- A directory that clients attach to. It keeps its id even when closed.
CREATE TABLE workspaces (
  id           TEXT PRIMARY KEY,
  path         TEXT NOT NULL UNIQUE,        -- real path
  identity     TEXT NOT NULL DEFAULT '',    -- device:inode of the opened directory; '' if unknown
  state        TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  created_at   TEXT NOT NULL,
  seq_reserved INTEGER NOT NULL DEFAULT 0,  -- clients have seen no event seq above this
  events_floor INTEGER NOT NULL DEFAULT 0,  -- events up to this seq were deleted
  left_at      TEXT                         -- when the last terminal left; NULL: none ever did
) STRICT;

CREATE TABLE sessions (
  id                 TEXT PRIMARY KEY,
  workspace_id       TEXT NOT NULL REFERENCES workspaces (id),
  title              TEXT NOT NULL,
  agent              TEXT NOT NULL,
  model              TEXT,
  mode               TEXT NOT NULL,
  agent_mode         TEXT,                  -- the mode of its agent that a person chose
  isolation          TEXT NOT NULL,
  parent_id          TEXT REFERENCES sessions (id) ON DELETE SET NULL,
  archived           INTEGER NOT NULL DEFAULT 0,
  created_at         TEXT NOT NULL,
  updated_at         TEXT NOT NULL,
  used_seq           INTEGER NOT NULL,      -- rises with every use of any session: the order of lists
  input_tokens       INTEGER NOT NULL DEFAULT 0,
  output_tokens      INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens   INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cost               REAL NOT NULL DEFAULT 0,
  plan_json          TEXT,                  -- the entries of its agent's plan
  request_hash       TEXT,                  -- hash of the creating request: one id, one request
  subagent_json      TEXT,                  -- for a session that the agent of its parent started: its kind, and that run
  task_id            TEXT,                  -- for the session of a task's entry
  container          TEXT,                  -- the image of the container that its commands run in
  news_json          TEXT                   -- what hearth tells its agent before the next prompt: a list of texts
) STRICT;
CREATE INDEX sessions_by_use ON sessions (workspace_id, archived, used_seq DESC);

-- The life of one accepted prompt.
CREATE TABLE runs (
  id                 TEXT PRIMARY KEY,
  session_id         TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  accepted_seq       INTEGER NOT NULL,      -- order of acceptance within the session
  agent              TEXT NOT NULL,
  model              TEXT,
  mode               TEXT,                  -- the run's own mode; NULL: the session's
  state              TEXT NOT NULL CHECK (state IN ('accepted', 'queued', 'held', 'active', 'completed')),
  delivery           TEXT NOT NULL CHECK (delivery IN ('queue', 'steer')),
  outcome            TEXT,
  error_json         TEXT,
  message_id         TEXT NOT NULL,         -- the user message
  request_hash       TEXT NOT NULL,         -- hash of session, prompt and attachments: one run_id, one prompt
  env_json           TEXT,                  -- environment of its commands, without secrets
  max_steps          INTEGER,
  on_question        TEXT NOT NULL CHECK (on_question IN ('wait', 'fail', 'deny')),
  client_id          TEXT,                  -- who sent it
  canceled_by        TEXT,
  accepted_at        TEXT NOT NULL,
  started_at         TEXT,
  completed_at       TEXT,
  input_tokens       INTEGER NOT NULL DEFAULT 0,
  output_tokens      INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens   INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cost               REAL NOT NULL DEFAULT 0,
  UNIQUE (session_id, accepted_seq)
) STRICT;
CREATE INDEX runs_unfinished ON runs (session_id, accepted_seq) WHERE state <> 'completed';

CREATE TABLE messages (
  id            TEXT PRIMARY KEY,
  session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  run_id        TEXT NOT NULL,
  seq           INTEGER NOT NULL,           -- order within the session
  role          TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  agent         TEXT NOT NULL,
  model         TEXT,
  finish_reason TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  completed_at  TEXT,
  usage_json    TEXT,                       -- usage of the step, if its backend reports it
  undone        INTEGER NOT NULL DEFAULT 0, -- 1: taken back, a redo brings it back; 2: gone for good
  UNIQUE (session_id, seq)
) STRICT;
CREATE INDEX messages_by_run ON messages (run_id, seq);
CREATE INDEX messages_undone ON messages (session_id, seq) WHERE undone = 1;

CREATE TABLE parts (
  id         TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,              -- order within the message
  text       TEXT NOT NULL,                 -- text and reasoning: the text; tool calls: the output
  data_json  TEXT NOT NULL,                 -- the rest of the part
  UNIQUE (message_id, position)
) STRICT;

-- Streamed text that is not in its part yet. Merged into it when the step settles, or at the next start.
CREATE TABLE part_deltas (
  id      INTEGER PRIMARY KEY,
  part_id TEXT NOT NULL REFERENCES parts (id) ON DELETE CASCADE,
  text    TEXT NOT NULL
) STRICT;
CREATE INDEX part_deltas_by_part ON part_deltas (part_id, id);

-- A session's conversation inside one backend, and what it has cost.
CREATE TABLE agent_sessions (
  session_id       TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  agent            TEXT NOT NULL,
  backend          TEXT NOT NULL,
  agent_session_id TEXT,                    -- the agent's id for the conversation; NULL: none to resume
  fingerprint      TEXT,                    -- hash of the command, environment, directory and version it was made with
  seen_seq         INTEGER NOT NULL DEFAULT 0, -- the last message that the agent knows
  input_tokens     INTEGER NOT NULL DEFAULT 0,
  output_tokens    INTEGER NOT NULL DEFAULT 0,
  cost             REAL NOT NULL DEFAULT 0,
  reported_cost    REAL NOT NULL DEFAULT 0, -- for an agent that reports a running total: how much of it is in cost
  last_active_at   TEXT,
  context_used     INTEGER,                 -- tokens in the model's context window
  context_window   INTEGER,
  context_model    TEXT,
  kept             TEXT,                    -- what its requests contain besides the transcript, in the backend's own form
  PRIMARY KEY (session_id, agent)
) STRICT, WITHOUT ROWID;

-- The usage of each ended run. It outlives its session: the money stays spent.
CREATE TABLE run_usage (
  run_id             TEXT PRIMARY KEY,
  workspace_id       TEXT NOT NULL REFERENCES workspaces (id),
  session_id         TEXT NOT NULL,
  agent              TEXT NOT NULL,
  model              TEXT,
  day                TEXT NOT NULL,         -- the day it ended: YYYY-MM-DD, UTC
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost               REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- A question that a tool call waits for, and its answer.
CREATE TABLE permissions (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  session_id   TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  run_id       TEXT NOT NULL,
  tool_call_id TEXT NOT NULL,
  agent        TEXT NOT NULL,
  kind         TEXT NOT NULL,
  title        TEXT NOT NULL,
  detail_json  TEXT NOT NULL,
  options_json TEXT NOT NULL,
  asked_at     TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('open', 'answered', 'canceled')),
  decision     TEXT,
  message      TEXT,
  answered_by  TEXT,
  answered_at  TEXT
) STRICT;
CREATE INDEX permissions_open ON permissions (workspace_id) WHERE state = 'open';

-- Rules that a person granted by answering a question, for one session or for the workspace.
CREATE TABLE grants (
  id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, so that a revoke removes the rule that was seen
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  session_id   TEXT REFERENCES sessions (id) ON DELETE CASCADE,
  rule         TEXT NOT NULL,
  granted_by   TEXT,
  granted_at   TEXT NOT NULL,
  scripts_json TEXT NOT NULL DEFAULT '{}'   -- the scripts that it runs, each with the hash of its content
) STRICT;
CREATE UNIQUE INDEX grants_once ON grants (workspace_id, coalesce(session_id, ''), rule);

-- What a person trusted of the things that a project's own files would start.
CREATE TABLE trust (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  hash         TEXT NOT NULL,               -- of what would run, and of the files that it names
  trusted_by   TEXT,
  trusted_at   TEXT NOT NULL,
  PRIMARY KEY (workspace_id, hash)
) STRICT, WITHOUT ROWID;

-- A prompt given to one agent or several, each in a session of its own.
CREATE TABLE tasks (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
  id           TEXT NOT NULL UNIQUE,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed')),
  group_name   TEXT,                        -- tasks that were started together
  request_json TEXT NOT NULL,               -- what was asked for, with the environment of its commands, without secrets
  request_hash TEXT NOT NULL,               -- of the creating request: one id, one request
  data_json    TEXT NOT NULL                -- its entries, and what the judge said
) STRICT;
CREATE INDEX tasks_unfinished ON tasks (seq) WHERE state <> 'completed';

-- What `notify` is told of.
CREATE TABLE notifications (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,        -- event and target: told once
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  target       TEXT NOT NULL,               -- a hash of the configured command or address, which may hold a password
  payload_json TEXT NOT NULL,
  state        TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given_up')),
  tries        INTEGER NOT NULL DEFAULT 0,
  due_at       INTEGER NOT NULL             -- milliseconds
) STRICT;
CREATE INDEX notifications_waiting ON notifications (target, due_at) WHERE state = 'waiting';

-- Events that clients may ask for again. Deltas are not stored, only the message that they end in.
CREATE TABLE events (
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
  seq           INTEGER NOT NULL,
  type          TEXT NOT NULL,
  time          TEXT NOT NULL,
  session_id    TEXT,
  payload_json  TEXT NOT NULL,
  payload_bytes INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, seq)
) STRICT, WITHOUT ROWID;
-- Queries over all events of a workspace read this index: the payloads are a hundred times as large.
CREATE INDEX events_at_a_glance ON events (workspace_id, seq, type, time, payload_bytes);

-- A session's git worktree. The row outlives its session until the worktree is removed.
CREATE TABLE worktrees (
  session_id   TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  data_json    TEXT NOT NULL,               -- where it lies, its repository and branch
  base         TEXT NOT NULL,               -- tree in its own git store: what its changes are compared with
  tip          TEXT NOT NULL,               -- tree in its own git store: its files when they were last looked at
  left_out_json TEXT NOT NULL DEFAULT '[]', -- paths that were too large, or could not be read
  created_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What agents changed in a session's worktree, one row a file, and what was decided about it.
CREATE TABLE pending_changes (
  id           TEXT PRIMARY KEY,
  session_id   TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  seq          INTEGER NOT NULL,            -- order within the session
  run_id       TEXT,
  agent        TEXT,
  path         BLOB NOT NULL,               -- bytes, from the top of the repository
  old_path     BLOB,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'applied', 'rejected', 'reverted')),
  data_json    TEXT NOT NULL,               -- the rest of the change
  updated_at   TEXT NOT NULL,
  UNIQUE (session_id, seq)
) STRICT;
CREATE INDEX pending_changes_waiting ON pending_changes (session_id) WHERE state = 'pending';

-- A set of files that is being written. What a killed daemon left here is completed or taken back at the next start.
CREATE TABLE file_writes (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  session_id   TEXT NOT NULL,
  data_json    TEXT NOT NULL                -- the files, and what follows when all are written
) STRICT, WITHOUT ROWID;

-- What the workspace's folder held before and after a turn that changed files: trees in a git store of hearth's own.
CREATE TABLE checkpoints (
  run_id        TEXT PRIMARY KEY,
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
  session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  began         INTEGER NOT NULL,           -- order of all beginnings and ends
  ended         INTEGER,                    -- NULL: the turn runs, or the daemon died during it
  before_tree   TEXT,                       -- NULL: there is none, because of trouble
  after_tree    TEXT,
  trouble       TEXT,                       -- why the files cannot be taken back, a sentence
  left_out_json TEXT NOT NULL,              -- files that are not recorded, with the reason
  files         INTEGER NOT NULL DEFAULT 0,
  additions     INTEGER NOT NULL DEFAULT 0,
  deletions     INTEGER NOT NULL DEFAULT 0,
  undone        INTEGER NOT NULL DEFAULT 0  -- 1: taken back, a redo brings it back; 2: taken back for good
) STRICT, WITHOUT ROWID;
CREATE INDEX checkpoints_by_session ON checkpoints (session_id, began);
CREATE INDEX checkpoints_by_age ON checkpoints (workspace_id, began);
