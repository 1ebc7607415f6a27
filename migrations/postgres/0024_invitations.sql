-- The invitation of an account that was not accepted yet: the version of the account that it opens, and when
-- it expires. Null once the person has chosen a password. Not sealed: an invitation opens an account only
-- by its grant.
ALTER TABLE users ADD COLUMN invited_version BIGINT;
ALTER TABLE users ADD COLUMN invited_until BIGINT;
UPDATE users SET invited_version = 1,
    invited_until = CAST(EXTRACT(EPOCH FROM CAST(created_utc AS TIMESTAMPTZ)) AS BIGINT) * 1000 + 259200000
    WHERE must_change = 1 AND has_totp = 0 AND has_face = 0 AND has_device = 0
    AND EXISTS (SELECT 1 FROM access_logs WHERE access_logs.username = users.username
    AND access_logs.action IN ('invite', 'invite_person') AND access_logs.success = 1);
