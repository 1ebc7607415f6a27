-- Gateways: services that an operator allows to state the peer of a command.

CREATE TABLE gateways (
    name     TEXT   NOT NULL PRIMARY KEY, -- as audit rows show it: via=NAME
    alg      TEXT   NOT NULL,             -- `ed25519`
    pubkey   BYTEA  NOT NULL UNIQUE,      -- 32 bytes
    added_at BIGINT NOT NULL              -- milliseconds of Unix time
);
