-- Sessions are deleted by the end of their family. Nothing searches them by the expiry of their token.

DROP INDEX sessions_by_expiry;
CREATE INDEX sessions_by_end ON sessions (ends);
