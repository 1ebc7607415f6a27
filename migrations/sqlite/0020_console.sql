-- Administrators of the console, and when it was last used.

-- 1 for an account that may use the console. Only a local command changes it.
ALTER TABLE users ADD COLUMN administrator BIGINT NOT NULL DEFAULT 0 CHECK (administrator IN (0, 1));

-- When a command of the console last used the session; 0 for a session that none has used.
ALTER TABLE sessions ADD COLUMN console_seen BIGINT NOT NULL DEFAULT 0;
