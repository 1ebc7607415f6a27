-- Accounts may lack a factor, and sessions know how they were opened.

-- 0 for an account without this factor. Its column then holds a value that nothing matches, like the record of an
-- unknown account, so that a check costs the same.
ALTER TABLE users ADD COLUMN has_totp BIGINT NOT NULL DEFAULT 1 CHECK (has_totp IN (0, 1));
ALTER TABLE users ADD COLUMN has_face BIGINT NOT NULL DEFAULT 1 CHECK (has_face IN (0, 1));
ALTER TABLE users ADD COLUMN has_device BIGINT NOT NULL DEFAULT 1 CHECK (has_device IN (0, 1));

-- The methods that the login proved, as in its receipt and with spaces between them: `pwd otp face swk mfa`.
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT '';
