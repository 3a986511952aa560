-- What hearth tells the session's agent before its next prompt.
ALTER TABLE sessions ADD COLUMN news_json TEXT;
