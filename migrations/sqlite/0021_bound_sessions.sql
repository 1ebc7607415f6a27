-- Sessions of browsers that are bound to a key. Only the public key is here.

-- An uncompressed point of P-256, or empty for a session that is not bound.
ALTER TABLE sessions ADD COLUMN bound_key BLOB NOT NULL DEFAULT x'';
