-- What each server knows about the time: for the floor of its next start, and for operators who ask.
-- Instants are milliseconds of Unix time, 0 for never.

CREATE TABLE clock (
    node       TEXT   NOT NULL PRIMARY KEY, -- `self`, or host and port where servers share a database
    running    BIGINT NOT NULL CHECK (running IN (0, 1)), -- 0 once it has stopped in order
    state      TEXT   NOT NULL,             -- synced, holdover, local, denied
    error_ms   BIGINT NOT NULL,
    vouched    BIGINT NOT NULL,             -- newest instant that it vouched for: what no later start may fall behind
    agreeing   BIGINT NOT NULL,             -- time servers in the last quorum
    asked      BIGINT NOT NULL,             -- of so many
    barred     BIGINT NOT NULL CHECK (barred IN (0, 1)), -- `strict` waits for its operator
    offer_ms   BIGINT,                      -- what accepting would move the time by; null: nothing to accept
    request_ms BIGINT,                      -- the offer that an operator asks it to accept
    answer     TEXT,                        -- what became of the last request; null while it waits
    alarm      TEXT,
    alarm_at   BIGINT NOT NULL,
    updated    BIGINT NOT NULL              -- by the system clock
);
