-- Devices that prove themselves, codes for recovery, what attempts have failed, what owners are to be told.
-- Instants are milliseconds of Unix time.

ALTER TABLE users ADD COLUMN keyed BIGINT NOT NULL DEFAULT 0;            -- 1 for good once a device key was bound
ALTER TABLE users ADD COLUMN first_used BIGINT NOT NULL DEFAULT 0;       -- when it was first logged in to
-- Until when a factor that was changed from an unknown device may not be used to change another.
ALTER TABLE users ADD COLUMN password_settles BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN totp_settles BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN face_settles BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN device_settles BIGINT NOT NULL DEFAULT 0;
-- When and where to the present secret of one-time codes was sent: a lost answer is repeated there, and for a minute.
ALTER TABLE users ADD COLUMN totp_issued BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN totp_issued_to BLOB;

CREATE TABLE devices (
    account    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id  BLOB NOT NULL,                       -- SHA-256 of the key, the first 16 bytes
    name       TEXT NOT NULL,
    mac        TEXT NOT NULL,
    alg        TEXT NOT NULL,
    pubkey     BLOB NOT NULL,
    bound_at   BIGINT NOT NULL,
    bound_by   TEXT NOT NULL,                       -- registration, first_login, device, recovery
    trusted_from BIGINT NOT NULL,                   -- from when on it may change factors at once
    last_seen  BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT,                              -- a key that was revoked never comes back
    PRIMARY KEY (account, device_id)
);
CREATE UNIQUE INDEX devices_by_name ON devices (account, name) WHERE revoked_at IS NULL;

-- Where an account without device keys has logged in from: a hash of MAC address and source.
CREATE TABLE places (
    account   BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place     BLOB NOT NULL,
    trusted_from BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (account, place)
);

CREATE TABLE recovery_codes (
    account   BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL,
    PRIMARY KEY (account, code_hash)
);

-- Consecutive failures, by who was asked for: a hash of the name, whether or not there is such an account.
CREATE TABLE failures (
    target       BLOB NOT NULL,
    lane         TEXT NOT NULL,                     -- unknown, known, admin
    failures     BIGINT NOT NULL,
    totp         BIGINT NOT NULL,                   -- of these, wrong one-time codes
    face         BIGINT NOT NULL,                   -- of these, wrong faces
    totp_minute  BIGINT NOT NULL,                   -- which minute totp_recent counts
    totp_recent  BIGINT NOT NULL,
    last_failure BIGINT NOT NULL,
    PRIMARY KEY (target, lane)
);
CREATE INDEX failures_by_age ON failures (last_failure);

-- Commands that a limit turned away, counted until their minute is over and the audit log has one row of it.
CREATE TABLE refusals (
    source TEXT   NOT NULL,
    minute BIGINT NOT NULL,
    action TEXT   NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (source, minute, action)
);

-- What owners are to be told, for whatever sends mail and messages.
CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL,
    created BIGINT NOT NULL,
    sent    BIGINT
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent IS NULL;
CREATE INDEX outbox_by_account ON outbox (account, created);
