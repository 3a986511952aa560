-- Which directory a workspace is, the plan and the own mode of a session's agent, the usage of a step, how full an
-- agent's window is.
ALTER TABLE workspaces ADD COLUMN identity TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN plan_json TEXT;
ALTER TABLE sessions ADD COLUMN agent_mode TEXT;
ALTER TABLE messages ADD COLUMN usage_json TEXT;
ALTER TABLE agent_sessions ADD COLUMN context_used INTEGER;
ALTER TABLE agent_sessions ADD COLUMN context_window INTEGER;
ALTER TABLE agent_sessions ADD COLUMN context_model TEXT;
