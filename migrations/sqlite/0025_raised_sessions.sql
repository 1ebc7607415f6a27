-- When the level of a session was last raised (259); 0 if it never was. A check token that was made before
-- is refused from then on.
ALTER TABLE sessions ADD COLUMN raised BIGINT NOT NULL DEFAULT 0;
