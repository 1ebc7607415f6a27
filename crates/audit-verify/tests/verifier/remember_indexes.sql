-- Restores the indexes in the same connection.
PRAGMA writable_schema = ON;
DELETE FROM sqlite_schema WHERE tbl_name = 'audit_leaf';
INSERT INTO sqlite_schema SELECT * FROM kept;
PRAGMA writable_schema = RESET;
