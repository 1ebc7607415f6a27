-- Evidence that the audit log was not changed: docs/AUDIT.md says how it is checked.

-- One leaf a row of access_logs, written with it. A chain for each node, all of them in one tree.
CREATE TABLE audit_leaf (
    log_id      BIGINT NOT NULL PRIMARY KEY,
    node        TEXT COLLATE "C" NOT NULL,      -- who wrote it: `self`, or a host where servers share a database
    node_seq    BIGINT NOT NULL,                -- from 1, without a gap
    leaf_hash   BYTEA NOT NULL,
    salt        BYTEA,                          -- null once the row has been erased
    name_hash   BYTEA,                          -- only then: what the leaf was made of
    detail_hash BYTEA,
    erased_by   BIGINT,                         -- the row that says so
    position    BIGINT UNIQUE,                  -- in the tree, from 0; null until it is there
    UNIQUE (node, node_seq)
);
CREATE INDEX audit_leaf_waiting ON audit_leaf (node, node_seq) WHERE position IS NULL;

-- Where each chain ends.
CREATE TABLE audit_node (
    node        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node_seq    BIGINT NOT NULL,
    leaf_hash   BYTEA NOT NULL
);

-- Where the tree ends: the roots of its perfect subtrees, left to right.
CREATE TABLE audit_tree (
    one         BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    size        BIGINT NOT NULL,
    frontier    BYTEA NOT NULL,
    legacy_to   BIGINT NOT NULL,                -- newest row that is older than the tree
    legacy_done BIGINT NOT NULL,                -- newest of these that has its leaf
    vkey        TEXT                            -- the key that signs; null until it has signed
);
INSERT INTO audit_tree SELECT 1, 0, ''::bytea, COALESCE(MAX(id), 0), 0, NULL FROM access_logs;

-- Roots of perfect subtrees of level 8, 16, 24 and so on, so that old roots and proofs need few hashes.
CREATE TABLE audit_tile (
    level       BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    hash        BYTEA NOT NULL,
    PRIMARY KEY (level, number)
);

-- Every checkpoint that was signed.
CREATE TABLE audit_checkpoint (
    size        BIGINT NOT NULL PRIMARY KEY,
    ts_utc      TEXT NOT NULL,
    epoch       BIGINT NOT NULL,
    note        TEXT NOT NULL
);

-- Exported checkpoints that an operator has given up, by restoring a backup that is older.
CREATE TABLE audit_rollback (
    size        BIGINT NOT NULL,
    note        TEXT NOT NULL,
    log_id      BIGINT NOT NULL,                -- the row that says so
    PRIMARY KEY (size, note)
);
