-- What an agent's requests contain besides the transcript, to be sent again unchanged after a restart.
ALTER TABLE agent_sessions ADD COLUMN kept TEXT;
