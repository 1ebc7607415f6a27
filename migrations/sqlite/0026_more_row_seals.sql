-- Seals over the rows that grant something: sessions, devices, requests of browsers, gateways, recovery codes.
-- Sessions and requests have no seal from earlier versions, so they end here: their users log in again.

DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN row_seal BLOB NOT NULL DEFAULT x'';
DELETE FROM device_requests;
ALTER TABLE device_requests ADD COLUMN row_seal BLOB NOT NULL DEFAULT x'';

-- Null until the first start of a server of this version.
ALTER TABLE devices ADD COLUMN row_seal BLOB;
ALTER TABLE gateways ADD COLUMN row_seal BLOB;

-- 1 if the hash was made with a key of the keyring. The first start of a server of this version makes it so.
ALTER TABLE recovery_codes ADD COLUMN keyed BIGINT NOT NULL DEFAULT 0 CHECK (keyed IN (0, 1));
