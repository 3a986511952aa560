-- The image of the container that the commands of a session run in.
ALTER TABLE sessions ADD COLUMN container TEXT;
