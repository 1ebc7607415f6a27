-- Sessions are found by a master token, and belong to a family that ends as a whole. Sessions of earlier versions had a
-- hash of the token only, so they end here: their users log in again.

DELETE FROM sessions;
ALTER TABLE sessions RENAME COLUMN token_hash TO master;   -- MAC over token, MAC address, address of the peer, device key
ALTER TABLE sessions ADD COLUMN family BLOB NOT NULL DEFAULT x''; -- the login and all renewals since
ALTER TABLE sessions ADD COLUMN ends BIGINT NOT NULL DEFAULT 0;   -- of the family; no renewal goes beyond it
ALTER TABLE sessions ADD COLUMN renewed BIGINT;                   -- when a successor took over; NULL if it is in use
ALTER TABLE sessions ADD COLUMN device_id BLOB NOT NULL DEFAULT x'';             -- the key that the login proved or bound; empty if there was none
ALTER TABLE sessions ADD COLUMN mac TEXT NOT NULL DEFAULT '';     -- empty if the login named none
ALTER TABLE sessions ADD COLUMN peer TEXT NOT NULL DEFAULT '';    -- the address of the login
ALTER TABLE sessions ADD COLUMN opened BIGINT NOT NULL DEFAULT 0; -- time of the login
ALTER TABLE sessions ADD COLUMN last_seen BIGINT NOT NULL DEFAULT 0; -- written behind, at most once a minute
CREATE INDEX sessions_by_family ON sessions (family);
