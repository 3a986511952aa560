-- What an agent's requests hold beside the transcript: told again as it was after a restart.
ALTER TABLE agent_sessions ADD COLUMN kept TEXT;
