//! An SQLite file of another system, opened for an import. Never writes to it.
//!
//! An untrusted SQLite file can hold views and virtual tables that run code of their author, and
//! values of a gigabyte. So only plain tables are read, and the size of each value is limited before
//! it is loaded.

use anyhow::{Context as _, ensure};
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OpenFlags, Row, limits::Limit, types::ValueRef};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Longest value that SQLite loads, in bytes.
const MAX_VALUE: i32 = 16 << 20;

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
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE).with_context(named)?;
        // The transaction prevents changes from here on, so the hash matches the rows that are
        // read.
        connection
            .execute_batch(
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; BEGIN; \
                 SELECT 1 FROM sqlite_schema",
            )
            .with_context(named)?;
        ensure!(is_alone(path), "{} is in use: stop {system} first", path.display());
        let digest = digest(path).with_context(named)?;
        let database = Self { connection, digest };
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
        Ok(database)
    }

    /// SHA-256 of the file in hexadecimal.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// True if there is a table of this name that is not virtual and has no generated columns.
    fn has_plain_table(&self, name: &str) -> rusqlite::Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 \
             AND UPPER(sql) LIKE 'CREATE TABLE%' \
             AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1) WHERE hidden <> 0)";

        self.connection.query_row(SQL, [name], |row| row.get::<_, i64>(0)).map(|count| count == 1)
    }

    /// True if SQLite finds no damage in the pages. Indexes are not compared with their tables.
    fn is_intact(&self) -> rusqlite::Result<bool> {
        let first = |row: &Row<'_>| row.get::<_, String>(0);
        self.connection.query_row("PRAGMA quick_check(1)", [], first).map(|found| found == "ok")
    }
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
