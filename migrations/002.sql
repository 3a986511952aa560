-- A workspace's directory identity, a session's plan and agent mode, a step's usage, an agent's use of the context
-- window.
ALTER TABLE workspaces ADD COLUMN identity TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN plan_json TEXT;
ALTER TABLE sessions ADD COLUMN agent_mode TEXT;
ALTER TABLE messages ADD COLUMN usage_json TEXT;
ALTER TABLE agent_sessions ADD COLUMN context_used INTEGER;
ALTER TABLE agent_sessions ADD COLUMN context_window INTEGER;
ALTER TABLE agent_sessions ADD COLUMN context_model TEXT;
