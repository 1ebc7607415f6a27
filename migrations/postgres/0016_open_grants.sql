-- Signing in by password and one-time code in two steps.

-- 1 for an account with a secret for one-time codes that its owner has not confirmed. It is in use only from then on.
ALTER TABLE users ADD COLUMN totp_pending BIGINT NOT NULL DEFAULT 0 CHECK (totp_pending IN (0, 1));

-- Grants that their peer may use without showing them, because clients of older systems keep no state between two
-- steps. The newest of each purpose, account and peer.
CREATE TABLE open_grants (
    account BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT   NOT NULL,
    peer    TEXT   NOT NULL, -- its address, or the part of it that sessions are bound to
    id      BYTEA  NOT NULL, -- as in spent_grants
    tag     BYTEA  NOT NULL, -- HMAC under the keyring's key of grants, so that a row cannot be made up
    expires BIGINT NOT NULL, -- milliseconds of Unix time
    PRIMARY KEY (account, purpose, peer)
);
CREATE INDEX open_grants_by_expiry ON open_grants (expires);
