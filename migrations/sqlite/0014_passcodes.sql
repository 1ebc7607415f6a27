-- Passcodes, which the courier sends. A message that carries one is of no use after its expiry.

-- At most one for each account. The row stays after its use, with the counts of its window.
CREATE TABLE passcodes (
    account  BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code_mac TEXT,            -- HMAC under the keyring's pepper; NULL once it was used
    channel  TEXT   NOT NULL, -- what carried it: `mail` or `sms`
    expires  BIGINT NOT NULL, -- milliseconds of Unix time
    since    BIGINT NOT NULL, -- start of the window that the counts belong to
    issued   BIGINT NOT NULL, -- passcodes in the window
    tries    BIGINT NOT NULL  -- wrong passcodes in the window
);

ALTER TABLE outbox ADD COLUMN expires BIGINT; -- NULL for a notice, which is never too late
ALTER TABLE outbox ADD COLUMN source TEXT;    -- the source that requested a passcode; NULL for a notice
CREATE INDEX outbox_by_source ON outbox (source, created);

-- The level of a session, 0 to 4. Sessions of a lower level neither see it nor end it. 0 for sessions of earlier versions.
ALTER TABLE sessions ADD COLUMN level BIGINT NOT NULL DEFAULT 0;
