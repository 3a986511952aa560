-- A session that the agent of another one started.
ALTER TABLE sessions ADD COLUMN subagent_json TEXT;
