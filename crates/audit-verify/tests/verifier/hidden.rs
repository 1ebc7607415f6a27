//! Rows that are in the pages of the file but that a search by index does not find.

use crate::fixture::Log;
use fourauth_audit_verify::verify;
use rusqlite::Connection;
use std::fs;

/// Makes SQLite forget the indexes of `audit_leaf`.
const FORGET: &str = include_str!("forget_indexes.sql");

/// Restores the indexes.
const REMEMBER: &str = include_str!("remember_indexes.sql");

const ROW: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail)
    VALUES ('2026-11-21T10:00:00Z', 'mallory', 'login', 1, 'ok')";

/// Adds a leaf after the last one, copied from it.
const LEAF: &str = "INSERT INTO audit_leaf SELECT (SELECT MAX(id) FROM access_logs), node,
    node_seq + 1, leaf_hash, salt, name_hash, detail_hash, erased_by, position + 1
    FROM audit_leaf ORDER BY log_id DESC LIMIT 1";

/// Page size of the file, in bytes.
const PAGE: usize = 4096;

/// The content of the file, after the journal was written into it.
fn pages(log: &Log) -> Vec<u8> {
    log.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let bytes = fs::read(log.file()).unwrap();
    assert_eq!(bytes[16..18], [0x10, 0x00]);
    bytes
}

/// Byte offset of the first page of a table.
fn root(log: &Log, table: &str) -> usize {
    const SQL: &str = "SELECT rootpage FROM sqlite_schema WHERE name = ?";

    let number: usize = log
        .database
        .query_row(SQL, [table], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    (number - 1) * PAGE
}

#[test]
fn a_row_with_a_leaf_missing_from_the_index_is_found() {
    let log = Log::of(30);
    let database = Connection::open(log.file()).unwrap();
    database.execute_batch(FORGET).unwrap();
    database.execute_batch(&format!("{ROW}; {LEAF}; {REMEMBER}")).unwrap();
    let by_place: i64 = database
        .query_row(
            "SELECT COUNT(position) FROM (SELECT position FROM audit_leaf ORDER BY position)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(by_place, 30);
    assert_eq!(log.found(), ["hidden_row"]);
}

#[test]
fn a_row_with_a_duplicate_id_is_found() {
    let log = Log::of(3);
    log.run(ROW, &[]);
    let mut bytes = pages(&log);
    let page = &mut bytes[root(&log, "access_logs")..][..PAGE];
    // A leaf page of a table: pointers to its cells start at byte 8. A cell begins with its length
    // and its rowid; both are below 128 here.
    assert_eq!((page[0], page[4]), (0x0d, 4));
    let last = usize::from(u16::from_be_bytes([page[14], page[15]]));
    assert!(page[last] < 128 && page[last + 1] == 4);
    page[last + 1] = 3;
    fs::write(log.file(), bytes).unwrap();
    assert_eq!(log.found(), ["hidden_row"]);
}

/// An inner page of a table. All its children are the same page.
fn inner(child: u32) -> Vec<u8> {
    const CELLS: u16 = 400;

    let mut page = vec![0; PAGE];
    page[0] = 0x05;
    page[3..5].copy_from_slice(&CELLS.to_be_bytes());
    page[8..12].copy_from_slice(&child.to_be_bytes());
    let mut end = PAGE;
    for cell in 0..CELLS {
        end -= 6;
        // The key as a varint of two bytes. The high bit of the first byte announces the second.
        let [high, low] = (0x8000 | (cell + 1) << 1 & 0x7f00 | (cell + 1) & 0x7f).to_be_bytes();
        page[end..end + 4].copy_from_slice(&child.to_be_bytes());
        page[end + 4..end + 6].copy_from_slice(&[high, low]);
        let at = 12 + usize::from(cell) * 2;
        page[at..at + 2].copy_from_slice(&u16::try_from(end).unwrap().to_be_bytes());
    }
    let begin = u16::try_from(end).unwrap();
    page[5..7].copy_from_slice(&begin.to_be_bytes());
    page
}

#[test]
fn pages_that_refer_to_each_other_are_not_read_without_end() {
    let log = Log::of(3);
    let mut bytes = pages(&log);
    let root = root(&log, "audit_leaf");
    let leaf = bytes[root..][..PAGE].to_vec();
    let first = u32::try_from(bytes.len() / PAGE).unwrap() + 1;
    bytes[root..][..PAGE].copy_from_slice(&inner(first));
    for next in 1..8 {
        bytes.extend(inner(first + next));
    }
    bytes.extend(leaf);
    let pages = u32::try_from(bytes.len() / PAGE).unwrap();
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    fs::write(log.file(), bytes).unwrap();
    let error = verify(&log.file(), &log.options()).unwrap_err();
    assert_eq!(error.to_string(), "the database cannot be read: interrupted");
}
