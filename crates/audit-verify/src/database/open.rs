//! Opens a file that anybody may have made.

use crate::unreadable::Unreadable;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig, limits::Limit};
use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Longest value that is read, in bytes: no row has one that is near it.
const MAX_VALUE: i32 = 16 * 1024 * 1024;

/// Page cache, in KiB.
const CACHE: i64 = 16 * 1024;

/// Steps of SQLite's machine between two looks at how many there were.
const AT_ONCE: i32 = 1_000_000;

/// How often these may be done for any file.
const LEAST_STEPS: u64 = 20;

/// Steps for each byte. A row and its leaf have some 200 bytes and take some 40 steps.
const STEPS_PER_BYTE: u64 = 8;

const TABLES: [&str; 7] = [
    "access_logs",
    "audit_leaf",
    "audit_node",
    "audit_tree",
    "audit_tile",
    "audit_checkpoint",
    "audit_rollback",
];

/// Opens the database as it is at this instant; and the size of its files, in bytes.
pub(super) fn open(path: &Path) -> Result<(Connection, u64), Unreadable> {
    let journal = beside(path, "-wal");
    let size = |path: &Path| fs::metadata(path).map(|file| file.len()).ok();
    let waiting = size(&journal);
    let is_alone = waiting.is_none() && size(&beside(path, "-journal")).is_none();
    let opened = connect(path, is_alone).and_then(|found| harden(&found).map(|()| found));
    let database = match opened {
        // Nobody may write there, not even the index of the journal; but the journal is empty.
        Err(_) if waiting == Some(0) => {
            connect(path, true).and_then(|found| harden(&found).map(|()| found))?
        }
        opened => opened?,
    };
    let size = size(path).unwrap_or(0) + waiting.unwrap_or(0);
    limit_work(&database, size)?;
    TABLES.iter().try_for_each(|table| expect_table(&database, table))?;
    Ok((database, size))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// A file without a journal is nobody's at this instant: while a server runs there is one. SQLite
/// then reads it without locks, which also works where nobody may write.
fn connect(path: &Path, is_alone: bool) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        let _ = match byte {
            b'/' | b'.' | b'-' | b'_' => uri.write_char(byte.into()),
            byte if byte.is_ascii_alphanumeric() => uri.write_char(byte.into()),
            byte => write!(uri, "%{byte:02X}"),
        };
    }
    uri += if is_alone { "?mode=ro&immutable=1" } else { "?mode=ro" };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// Nothing in the file is run, and nothing in it makes us hold more than we want. Everything is
/// read as it was when the first row was.
fn harden(database: &Connection) -> rusqlite::Result<()> {
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    database.pragma_update(None, "query_only", true)?;
    database.pragma_update(None, "cell_size_check", true)?;
    database.pragma_update(None, "cache_size", -CACHE)?;
    database.busy_timeout(std::time::Duration::from_secs(10))?;
    database.execute_batch("BEGIN")?;
    database.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Whoever makes pages of the file lead to one another lets SQLite read rows without end. So its
/// steps have a limit, far beyond what a file of `size` bytes needs; then it is interrupted.
fn limit_work(database: &Connection, size: u64) -> rusqlite::Result<()> {
    let mut left = LEAST_STEPS + size * STEPS_PER_BYTE / u64::from(AT_ONCE.unsigned_abs());
    let is_over = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    database.progress_handler(AT_ONCE, Some(is_over))
}

/// A view or a virtual table could make rows up as they are read.
fn expect_table(database: &Connection, table: &str) -> Result<(), Unreadable> {
    const SQL: &str = "SELECT type = 'table' AND sql LIKE 'CREATE TABLE %' AND rootpage > 0 \
                       FROM sqlite_schema WHERE name = ?";

    let found: Option<Option<bool>> =
        database.query_row(SQL, [table], |row| row.get(0)).optional()?;
    match found {
        Some(Some(true)) => Ok(()),
        Some(_) => Err(Unreadable::Schema(format!("has {table}, which is not a table"))),
        None => Err(Unreadable::Schema(format!("has no table {table}"))),
    }
}
