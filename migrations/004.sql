-- What a client chose a session's id for: who asks again gets the session that is there.
ALTER TABLE sessions ADD COLUMN request_hash TEXT;
