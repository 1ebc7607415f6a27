-- A seal over the columns of a row that say who a person is and what they may do, with a key of the
-- keyring. Null in rows of an earlier version until the first start of a server of this one.
ALTER TABLE users ADD COLUMN row_seal TEXT;
ALTER TABLE admins ADD COLUMN row_seal TEXT;
