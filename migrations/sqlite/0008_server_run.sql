-- What each server last started with, so that a start can say which settings were changed since, and whether the run
-- before it was stopped in order.

CREATE TABLE server_run (
    node     TEXT   NOT NULL PRIMARY KEY, -- `self`, or host and port where servers share a database
    running  BIGINT NOT NULL CHECK (running IN (0, 1)), -- 0 once it has stopped in order
    started  BIGINT NOT NULL,             -- milliseconds of Unix time
    settings TEXT   NOT NULL              -- a JSON object: name and value of each setting, no secrets
);
