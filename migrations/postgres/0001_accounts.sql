-- Accounts, sessions, administrators, the audit log, and proof of which keys fit.
-- Columns documented for 4Auth come first and keep their names and types.
-- Flags are 0 or 1, instants named *_utc are RFC 3339, other instants are milliseconds of Unix time.
-- Names collate by byte, as in SQLite, so that pages of a list are the same on both.

CREATE TABLE users (
    username          TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    password_hash     TEXT   NOT NULL,
    face_template_enc TEXT   NOT NULL,
    face_image_enc    TEXT,                         -- the picture, only while face.keep_image says so
    totp_secret_enc   TEXT   NOT NULL,
    mac_address       TEXT   NOT NULL,
    id                BIGINT NOT NULL UNIQUE,       -- random, never reused; seals are bound to it
    email             TEXT   UNIQUE,
    phone             TEXT   UNIQUE,
    totp_step         BIGINT NOT NULL DEFAULT 0,    -- newest step spent by a login or a recovery
    totp_confirm_step BIGINT NOT NULL DEFAULT 0,    -- newest step spent by a confirmation
    totp_confirmed    BIGINT NOT NULL DEFAULT 0 CHECK (totp_confirmed IN (0, 1)),
    face_epoch        BIGINT NOT NULL,
    must_change       BIGINT NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
    disabled          BIGINT NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    version           BIGINT NOT NULL DEFAULT 1,    -- grows with every change of a factor
    created_utc       TEXT   NOT NULL
);

CREATE TABLE access_logs (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ts_utc   TEXT   NOT NULL,
    username TEXT   COLLATE "C",
    action   TEXT   COLLATE "C" NOT NULL,
    success  BIGINT NOT NULL CHECK (success IN (0, 1)),
    detail   TEXT   NOT NULL
);
CREATE INDEX access_logs_by_user ON access_logs (username, id);
CREATE INDEX access_logs_by_action ON access_logs (action, id);

CREATE TABLE sessions (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    account    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,                     -- of the account when the session began
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE admins (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    created_utc TEXT NOT NULL
);

CREATE TABLE keys (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    check_value BYTEA NOT NULL,                     -- tells whether a key fits, and nothing of the key
    created_utc TEXT NOT NULL
);
