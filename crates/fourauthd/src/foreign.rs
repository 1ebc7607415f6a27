//! An SQLite file of another system, opened for an import. Never writes to it.
//!
//! An untrusted SQLite file can hold expressions that run code of their author (views, triggers,
//! constraints, generated columns), pages that refer to each other without end, and values of a
//! gigabyte. So a file with such parts is refused, constraints are not computed, the steps of all
//! reads are limited, and so is the size of each value before it is loaded.

use crate::step_limit::limit_steps;
use anyhow::{Context as _, ensure};
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OpenFlags, Row, config::DbConfig, limits::Limit, types::ValueRef};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Longest value that SQLite loads, in bytes.
const MAX_VALUE: i32 = 16 << 20;

/// Smallest row of a table in the file, in bytes: a pointer of two, and a cell of four
/// (<https://www.sqlite.org/fileformat.html#b_tree_pages>).
const LEAST_ROW: u64 = 6;

/// An open database file.
#[derive(Debug)]
pub(crate) struct ForeignDatabase {
    pub(crate) connection: Connection,
    /// SHA-256 of the file in hexadecimal. Identifies the file.
    digest: String,
}

impl ForeignDatabase {
    /// Opens the file of `system`, which must have these plain tables and not be in use.
    pub(crate) fn open(path: &Path, system: &str, tables: &[&str]) -> anyhow::Result<Self> {
        let named = || format!("cannot read {}", path.display());
        // SQLite looks for a journal next to the file that a link leads to.
        let path = &fs::canonicalize(path).with_context(named)?;
        ensure!(path.is_file(), "{} is not a file", path.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).with_context(named)?;
        let size = fs::metadata(path).with_context(named)?.len();
        harden(&connection, size).with_context(named)?;
        ensure!(is_alone(path), "{} is in use: stop {system} first", path.display());
        let digest = digest(path).with_context(named)?;
        let database = Self { connection, digest };
        ensure!(
            database.is_plain().with_context(named)?,
            "{} is not a database of {system}: it has views, triggers, virtual tables or generated \
             columns",
            path.display()
        );
        for table in tables {
            ensure!(
                database.has_plain_table(table).with_context(named)?,
                "{} is not a database of {system}: it has no plain table {table}",
                path.display()
            );
        }
        ensure!(
            database.is_intact().with_context(named)?,
            "{} is damaged: restore it from a copy",
            path.display()
        );
        for table in tables {
            let rows = database.rows(table).with_context(named)?;
            ensure!(
                rows <= size / LEAST_ROW,
                "{} is damaged: {table} has more rows than the file has room for",
                path.display()
            );
        }
        Ok(database)
    }

    /// SHA-256 of the file in hexadecimal.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// True if the file has only tables and indexes, and no table is virtual or has generated columns.
    /// SQLite computes these columns also when it checks the file.
    fn is_plain(&self) -> rusqlite::Result<bool> {
        const SQL: &str = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema \
             WHERE type NOT IN ('table', 'index') \
             OR type = 'table' AND UPPER(sql) NOT LIKE 'CREATE TABLE%') \
             AND NOT EXISTS (SELECT 1 FROM sqlite_schema, pragma_table_xinfo(sqlite_schema.name) x \
             WHERE sqlite_schema.type = 'table' AND x.hidden <> 0)";

        self.connection.query_row(SQL, [], |row| row.get(0))
    }

    /// True if there is a table of this name.
    fn has_plain_table(&self, name: &str) -> rusqlite::Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";

        self.connection.query_row(SQL, [name], |row| row.get::<_, i64>(0)).map(|count| count == 1)
    }

    /// True if SQLite finds no damage in the pages. Indexes are not compared with their tables.
    fn is_intact(&self) -> rusqlite::Result<bool> {
        let first = |row: &Row<'_>| row.get::<_, String>(0);
        self.connection.query_row("PRAGMA quick_check(1)", [], first).map(|found| found == "ok")
    }

    /// Number of rows of a table, whatever its indexes say.
    fn rows(&self, table: &str) -> rusqlite::Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM main.\"{table}\" NOT INDEXED");
        let rows: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }
}

/// Bounds work and memory, forbids SQLite to run code from the file, and starts a transaction. It
/// prevents changes from here on, so the hash matches the rows that are read.
fn harden(connection: &Connection, size: u64) -> rusqlite::Result<()> {
    limit_steps(connection, size)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    // A constraint is an expression, and a check of the file computes it for each row.
    connection.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA ignore_check_constraints = ON; BEGIN; \
         SELECT 1 FROM sqlite_schema",
    )
}

/// Bytes of a text or a blob: Python writes `str` as text and `bytes` as a blob.
pub(crate) fn bytes<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Option<&'a [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    })
}

/// Text of a column. `None` if it is missing or not UTF-8.
pub(crate) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let text = bytes(row, column)?.and_then(|bytes| str::from_utf8(bytes).ok());
    Ok(text.map(str::to_owned))
}

/// Text of a column. Bytes that are not UTF-8 are replaced, so that the row is kept.
pub(crate) fn lossy(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(bytes(row, column)?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// True if the file has no journal. The content of a journal would be missing from the file and its
/// hash.
fn is_alone(path: &Path) -> bool {
    ["-wal", "-journal"].into_iter().all(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        fs::metadata(PathBuf::from(beside)).map_or(true, |file| file.len() == 0)
    })
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut chunk = vec![0; 64 << 10];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(HEXLOWER.encode(&digest.finalize())),
            count => digest.update(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests;
