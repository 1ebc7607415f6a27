-- The delivery of notices. A notice keeps the addresses that its account had at the event, so that a later change of an
-- address cannot divert it.

ALTER TABLE outbox ADD COLUMN email TEXT;
ALTER TABLE outbox ADD COLUMN phone TEXT;
ALTER TABLE outbox ADD COLUMN next_attempt BIGINT NOT NULL DEFAULT 0; -- milliseconds of Unix time
ALTER TABLE outbox ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN last_error TEXT; -- a word of the courier, never text of a peer
ALTER TABLE outbox ADD COLUMN dead BIGINT NOT NULL DEFAULT 0; -- 1 once the courier has given up
ALTER TABLE outbox ADD COLUMN channel TEXT; -- what carried it: `mail` or `sms`; NULL until it is sent
ALTER TABLE outbox ADD COLUMN resends BIGINT NOT NULL DEFAULT 0; -- part of the Message-ID

UPDATE outbox SET email = (SELECT email FROM users WHERE users.id = outbox.account),
                  phone = (SELECT phone FROM users WHERE users.id = outbox.account);

CREATE INDEX outbox_due ON outbox (next_attempt, id) WHERE sent IS NULL AND dead = 0;
CREATE INDEX outbox_by_email ON outbox (email, sent);
CREATE INDEX outbox_by_sms ON outbox (sent) WHERE channel = 'sms';

-- One row: the server that may send, and the random part of every Message-ID of this database.
CREATE TABLE courier (
    id           BIGINT NOT NULL PRIMARY KEY, -- always 1
    installation TEXT   NOT NULL,
    owner        TEXT,
    until        BIGINT NOT NULL -- milliseconds of Unix time
);
