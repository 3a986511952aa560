-- Hash of the request that created a session: a repeated request gets the same session.
ALTER TABLE sessions ADD COLUMN request_hash TEXT;
