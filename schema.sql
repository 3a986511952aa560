-- The whole store. Applied as it stands to an empty file; an older store is brought here by migrations/NNN.sql.
-- Ids carry their noun's prefix; times are ISO 8601 UTC with milliseconds, for people: order comes from seq columns.
-- Columns named *_json hold JSON. One writer: the daemon. No log and no secret is ever stored here.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('schema_version', '5');

-- A directory that clients attach to. Keeps its id for good, closed or not.
CREATE TABLE workspaces (
  id           TEXT PRIMARY KEY,
  path         TEXT NOT NULL UNIQUE,        -- real path
  identity     TEXT NOT NULL DEFAULT '',    -- device:inode of the directory that was opened there; '' not known
  state        TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  created_at   TEXT NOT NULL,
  seq_reserved INTEGER NOT NULL DEFAULT 0,  -- no event seq above this was ever seen by a client
  events_floor INTEGER NOT NULL DEFAULT 0   -- events up to this seq are no longer kept
) STRICT;

CREATE TABLE sessions (
  id                 TEXT PRIMARY KEY,
  workspace_id       TEXT NOT NULL REFERENCES workspaces (id),
  title              TEXT NOT NULL,
  agent              TEXT NOT NULL,
  model              TEXT,
  mode               TEXT NOT NULL,
  agent_mode         TEXT,                  -- of its agent's own modes, the one that a person chose
  isolation          TEXT NOT NULL,
  parent_id          TEXT REFERENCES sessions (id) ON DELETE SET NULL,
  archived           INTEGER NOT NULL DEFAULT 0,
  created_at         TEXT NOT NULL,
  updated_at         TEXT NOT NULL,
  used_seq           INTEGER NOT NULL,      -- rises with every use, over all sessions: the order of lists
  input_tokens       INTEGER NOT NULL DEFAULT 0,
  output_tokens      INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens   INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cost               REAL NOT NULL DEFAULT 0,
  plan_json          TEXT,                  -- what its agent means to do: the entries of its own list
  request_hash       TEXT                   -- what its client chose the id for: the same id must mean the same
) STRICT;
CREATE INDEX sessions_by_use ON sessions (workspace_id, archived, used_seq DESC);

-- The life of one accepted prompt.
CREATE TABLE runs (
  id                 TEXT PRIMARY KEY,
  session_id         TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  accepted_seq       INTEGER NOT NULL,      -- order of acceptance within the session
  agent              TEXT NOT NULL,
  model              TEXT,
  mode               TEXT,                  -- of this run alone; NULL: the session's
  state              TEXT NOT NULL CHECK (state IN ('accepted', 'queued', 'held', 'active', 'completed')),
  delivery           TEXT NOT NULL CHECK (delivery IN ('queue', 'steer')),
  outcome            TEXT,
  error_json         TEXT,
  message_id         TEXT NOT NULL,         -- the user message
  request_hash       TEXT NOT NULL,         -- of session, prompt and attachments: the same run_id must mean the same
  env_json           TEXT,                  -- what its commands run with, secrets left out
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
  usage_json    TEXT,                       -- of the step, where its backend says so
  UNIQUE (session_id, seq)
) STRICT;
CREATE INDEX messages_by_run ON messages (run_id, seq);

CREATE TABLE parts (
  id         TEXT PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,              -- order within the message
  text       TEXT NOT NULL,                 -- text and reasoning: the text; tool calls: the output
  data_json  TEXT NOT NULL,                 -- the rest of the part
  UNIQUE (message_id, position)
) STRICT;

-- Streamed text that its part does not hold yet. Folded into it when the step settles, or at the next start.
CREATE TABLE part_deltas (
  id      INTEGER PRIMARY KEY,
  part_id TEXT NOT NULL REFERENCES parts (id) ON DELETE CASCADE,
  text    TEXT NOT NULL
) STRICT;
CREATE INDEX part_deltas_by_part ON part_deltas (part_id, id);

-- The warm counterpart of a session inside one backend, and what it has cost.
CREATE TABLE agent_sessions (
  session_id       TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  agent            TEXT NOT NULL,
  backend          TEXT NOT NULL,
  agent_session_id TEXT,                    -- its own id for the conversation; NULL: none to go back to
  fingerprint      TEXT,                    -- of command, environment, directory and version it was made with
  seen_seq         INTEGER NOT NULL DEFAULT 0, -- the last message that it knows of
  input_tokens     INTEGER NOT NULL DEFAULT 0,
  output_tokens    INTEGER NOT NULL DEFAULT 0,
  cost             REAL NOT NULL DEFAULT 0,
  reported_cost    REAL NOT NULL DEFAULT 0, -- of an agent that tells a running total: how much of it is counted above
  last_active_at   TEXT,
  context_used     INTEGER,                 -- tokens of its conversation in the model's window, and which model that is
  context_window   INTEGER,
  context_model    TEXT,
  kept             TEXT,                    -- what its requests hold beside the transcript, in the backend's own form
  PRIMARY KEY (session_id, agent)
) STRICT, WITHOUT ROWID;

-- What each run that has ended used. Outlives its session: what was spent stays spent.
CREATE TABLE run_usage (
  run_id             TEXT PRIMARY KEY,
  workspace_id       TEXT NOT NULL REFERENCES workspaces (id),
  session_id         TEXT NOT NULL,
  agent              TEXT NOT NULL,
  model              TEXT,
  day                TEXT NOT NULL,         -- YYYY-MM-DD, UTC, on which it ended
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cost               REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- A question that a tool call waits on, and its answer.
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

-- Rules that a person granted by answering a question: of one session, or of the workspace for good.
CREATE TABLE grants (
  id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: what is taken back is what was seen
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  session_id   TEXT REFERENCES sessions (id) ON DELETE CASCADE,
  rule         TEXT NOT NULL,
  granted_by   TEXT,
  granted_at   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX grants_once ON grants (workspace_id, coalesce(session_id, ''), rule);

-- What clients were told and may ask for again. Deltas are not kept: the message that settles them is.
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
-- Whatever is asked of all events of a workspace is answered from here: the payloads are a hundred times as large.
CREATE INDEX events_at_a_glance ON events (workspace_id, seq, type, time, payload_bytes);
