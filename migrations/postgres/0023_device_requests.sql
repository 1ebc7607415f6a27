-- Browsers that ask to become a device of an account. A device of the account decides within minutes.

CREATE TABLE device_requests (
    account   BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL, -- what both sides compare: less than a million
    version   BIGINT NOT NULL, -- of the account; a request ends when a factor of the account changes
    device_id BYTEA  NOT NULL, -- of the key
    pubkey    BYTEA  NOT NULL, -- Ed25519, 32 bytes
    name      TEXT   NOT NULL, -- what the browser calls itself
    peer      TEXT   NOT NULL, -- the address that it asked from
    created   BIGINT NOT NULL, -- milliseconds of Unix time
    expires   BIGINT NOT NULL, -- milliseconds of Unix time; 0 once it is decided or another one took its place
    PRIMARY KEY (account, number)
);
CREATE INDEX device_requests_by_time ON device_requests (created);
