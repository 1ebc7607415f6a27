-- One spelling of each name and address, and no new name that looks like another one.

-- What look-alike names have in common. NULL for a name of an earlier version that looks like an older one.
ALTER TABLE users ADD COLUMN name_key TEXT;
CREATE UNIQUE INDEX users_by_name_key ON users (name_key);

-- 0 for an account of an earlier version until a start has brought its name and its address to their form, and as long
-- as another account has that form. SQL knows neither NFC nor the case of Unicode.
ALTER TABLE users ADD COLUMN settled BIGINT NOT NULL DEFAULT 0 CHECK (settled IN (0, 1));
CREATE INDEX users_unsettled ON users (id) WHERE settled = 0;
