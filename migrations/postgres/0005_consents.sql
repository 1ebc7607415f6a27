-- What the face that is held was enrolled on: which notice was agreed to, and who says so.

CREATE TABLE consents (
    account  BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    what     TEXT   NOT NULL,                       -- template, picture
    notice   TEXT,                                  -- version or text of the notice; null: nobody named one
    given    BIGINT NOT NULL,                       -- milliseconds of Unix time
    given_by TEXT   NOT NULL,                       -- `self`, `import`, or `admin=` and the name of who vouched
    request  TEXT,                                  -- the command that brought it, as the audit log names it
    PRIMARY KEY (account, what)
);
