-- Codes that reset a forgotten password, which the courier sends, and the requests for them.

-- At most one for each account. The row stays after its use, with the count of its window.
CREATE TABLE reset_codes (
    account  BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version  BIGINT NOT NULL, -- of the account at the issue; a change of a factor makes the code useless
    code_mac TEXT,            -- HMAC under the keyring's pepper; NULL once it was used
    expires  BIGINT NOT NULL, -- milliseconds of Unix time
    since    BIGINT NOT NULL, -- start of the window that the count belongs to
    tries    BIGINT NOT NULL  -- wrong codes in the window
);

-- The last three requests for each name or address, whether an account has it or not, and from each source.
CREATE TABLE reset_requests (
    target BLOB   NOT NULL PRIMARY KEY, -- SHA-256 of the name, address or source
    newest BIGINT NOT NULL,             -- milliseconds of Unix time; 0 for none
    middle BIGINT NOT NULL,
    oldest BIGINT NOT NULL
);
