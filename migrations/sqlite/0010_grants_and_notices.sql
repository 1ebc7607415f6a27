-- What a courier needs to write a message and to send it to the right person, without another table.

ALTER TABLE users ADD COLUMN language TEXT; -- BCP 47 tag, such as `de-AT`; NULL if the account has none
ALTER TABLE outbox ADD COLUMN recipient TEXT NOT NULL DEFAULT 'owner';
ALTER TABLE outbox ADD COLUMN language TEXT; -- that of the account when the notice was written
