-- What a courier needs to write a message and to send it to the right person, without another table.

ALTER TABLE users ADD COLUMN language TEXT; -- BCP 47 tag, such as `de-AT`; NULL if the account has none
ALTER TABLE outbox ADD COLUMN recipient TEXT NOT NULL DEFAULT 'owner';
ALTER TABLE outbox ADD COLUMN language TEXT; -- that of the account when the notice was written

-- Grants that were used, until an hour after their expiry. A grant is not stored before.
CREATE TABLE spent_grants (
    id      BYTEA   NOT NULL PRIMARY KEY,
    holder  BYTEA   NOT NULL, -- the connection or the request that used it; only the same one may use it again
    expires BIGINT NOT NULL  -- milliseconds of Unix time
);
CREATE INDEX spent_grants_by_expiry ON spent_grants (expires);
