-- Makes SQLite forget the indexes of audit_leaf, so that a new row is not added to them.
PRAGMA writable_schema = ON;
CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE tbl_name = 'audit_leaf';
DELETE FROM sqlite_schema WHERE tbl_name = 'audit_leaf' AND type = 'index';
UPDATE sqlite_schema SET sql =
    replace(replace(sql, 'UNIQUE (node, node_seq)', 'CHECK (1)'), 'UNIQUE', '')
    WHERE name = 'audit_leaf';
PRAGMA writable_schema = RESET;
