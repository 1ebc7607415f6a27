//! Opens an untrusted database file.

use crate::unreadable::Unreadable;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig, limits::Limit};
use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Longest value that is read, in bytes. The values of real rows are far shorter.
const MAX_VALUE: i32 = 16 * 1024 * 1024;

/// Size of the page cache, in KiB.
const CACHE: i64 = 16 * 1024;

/// Steps of SQLite's virtual machine between two checks of the limit.
const AT_ONCE: i32 = 1_000_000;

/// Limit for an empty file, in units of [`AT_ONCE`] steps.
const LEAST_STEPS: u64 = 20;

/// Steps added to the limit for each byte of the file. A row and its leaf have about 200 bytes and
/// take about 40 steps.
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

/// Opens a snapshot of the database. Also returns the size of its files, in bytes.
pub(super) fn open(path: &Path) -> Result<(Connection, u64), Unreadable> {
    let journal = with_suffix(path, "-wal");
    let size = |path: &Path| fs::metadata(path).map(|file| file.len()).ok();
    let waiting = size(&journal);
    let is_alone = waiting.is_none() && size(&with_suffix(path, "-journal")).is_none();
    let whole = size(path).unwrap_or(0) + waiting.unwrap_or(0);
    let opened = connect(path, is_alone).and_then(|found| harden(&found, whole).map(|()| found));
    let database = match opened {
        // The directory is read-only, so SQLite cannot create the index of the journal. The journal
        // is empty, so the file alone is complete.
        Err(_) if waiting == Some(0) => {
            connect(path, true).and_then(|found| harden(&found, whole).map(|()| found))?
        }
        opened => opened?,
    };
    TABLES.iter().try_for_each(|table| expect_table(&database, table))?;
    Ok((database, whole))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the file. `is_alone` means that there is no journal to read.
///
/// A running server always has a journal, so a file without one is not in use. SQLite then reads it
/// without locks, which also works on read-only media.
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

/// Forbids SQLite to run code from the file of `size` bytes, bounds work and memory, and starts a read
/// transaction. The schema is a table, so the work is bounded before the first statement.
fn harden(database: &Connection, size: u64) -> rusqlite::Result<()> {
    limit_work(database, size)?;
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

/// Interrupts SQLite after many more steps than a file of `size` bytes needs.
///
/// Crafted pages that refer to each other would otherwise make SQLite read rows without end.
fn limit_work(database: &Connection, size: u64) -> rusqlite::Result<()> {
    let mut left = LEAST_STEPS + size * STEPS_PER_BYTE / u64::from(AT_ONCE.unsigned_abs());
    let is_over = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    database.progress_handler(AT_ONCE, Some(is_over))
}

/// Checks that `table` is an ordinary table. A view or a virtual table could invent rows.
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
