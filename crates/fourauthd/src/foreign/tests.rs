//! Hostile files. Each control shows what SQLite does with the same file without the defence.

mod endless;

use super::*;
use endless::{PAGE, make_endless};
use tempfile::TempDir;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);";

fn made(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE}; {sql}")).unwrap();
    (folder, path)
}

fn open(path: &Path) -> anyhow::Result<ForeignDatabase> {
    ForeignDatabase::open(path, "the test", &["t"])
}

fn refusal(path: &Path) -> String {
    format!("{:#}", open(path).unwrap_err())
}

/// True if SQLite is not done with a statement after five times the steps of the limit.
fn is_endless(path: &Path, sql: &str) -> bool {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    limit_steps(&connection, 5 * fs::metadata(path).unwrap().len()).unwrap();
    let done = connection.prepare(sql).and_then(|mut statement| {
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    });
    done.is_err_and(|error| {
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
    })
}

#[test]
fn an_endless_schema_is_refused() {
    let rows = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema; \
         INSERT INTO sqlite_schema VALUES ('table', NULL, NULL, NULL, NULL);";
    for sql in [TABLE.to_owned(), [TABLE, rows].concat()] {
        let (_folder, path) = made(&sql);
        make_endless(&path, 1);
        assert!(fs::metadata(&path).unwrap().len() < 200 << 10);
        let refused = refusal(&path);
        assert!(refused.contains("cannot read"), "{refused}");
        assert!(is_endless(&path, "SELECT 1 FROM sqlite_schema"), "the control");
    }
    let (_folder, path) = made(TABLE);
    open(&path).unwrap();
    assert!(!is_endless(&path, "SELECT 1 FROM sqlite_schema"), "the control");
}

#[test]
fn an_endless_table_is_refused() {
    let (_folder, path) = made(&[TABLE, "INSERT INTO t VALUES (1, 'a');"].concat());
    open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 't'";
    let root: i64 = Connection::open(&path).unwrap().query_row(root, [], |row| row.get(0)).unwrap();
    make_endless(&path, usize::try_from(root).unwrap());
    let refused = refusal(&path);
    assert!(refused.contains("is damaged"), "{refused}");
    assert!(is_endless(&path, "SELECT a FROM t"), "the control");
}

#[test]
fn a_constraint_of_the_file_is_not_computed() {
    let checked = TABLE.replace("a TEXT", "a TEXT CHECK (a <> 'never')");
    let (_folder, path) = made(&checked);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (1, 'never')")
        .unwrap();
    drop(connection);
    let connection = Connection::open(&path).unwrap();
    let first = |row: &Row<'_>| row.get::<_, String>(0);
    let found = connection.query_row("PRAGMA quick_check(1)", [], first).unwrap();
    assert!(found.contains("CHECK constraint failed"), "the control: {found}");
    drop(connection);
    open(&path).unwrap();
}

#[test]
fn a_file_with_code_is_refused() {
    for more in [
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER w AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TABLE other (a, b AS (hex(a)))",
        "CREATE TABLE other (a, b AS (hex(a)) STORED NOT NULL)",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema \
         VALUES ('table', 'x', 'x', 0, 'CREATE VIRTUAL TABLE x USING fts5(a)')",
    ] {
        let (_folder, path) = made(&[TABLE, more].concat());
        let refused = refusal(&path);
        assert!(refused.contains("views, triggers, virtual tables"), "{more}: {refused}");
    }
    let (_folder, path) = made(&[TABLE, "CREATE INDEX i ON t (a); CREATE TABLE u (a)"].concat());
    open(&path).unwrap();
}

#[test]
fn a_table_has_no_more_rows_than_the_file_has_room_for() {
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) \
         INSERT INTO t SELECT i, NULL FROM n;";
    let (_folder, path) = made(&[TABLE, rows].concat());
    let database = open(&path).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    assert_eq!(database.rows("t"), Ok(100_000));
    // The rows of this table are nearly the smallest that there are.
    assert!((100_000..200_000).contains(&(size / LEAST_ROW)), "{size}");
}
