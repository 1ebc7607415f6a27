-- The invitation of an account that was not accepted yet: the version of the account that it opens, and when
-- it expires. Null once the person has chosen a password. Not sealed: an invitation opens an account only
-- by its grant.
ALTER TABLE users ADD COLUMN invited_version INTEGER;
ALTER TABLE users ADD COLUMN invited_until INTEGER;
UPDATE users SET invited_version = 1,
    invited_until = CAST(strftime('%s', created_utc) AS INTEGER) * 1000 + 259200000
    WHERE must_change = 1 AND has_totp = 0 AND has_face = 0 AND has_device = 0
    AND EXISTS (SELECT 1 FROM access_logs WHERE access_logs.username = users.username
    AND access_logs.action IN ('invite', 'invite_person') AND access_logs.success = 1);
