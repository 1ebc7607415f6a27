//! Reads a SQLite database file at one instant, without changing it.
//!
//! The server may be running. Content that is still in the journal is read from there.

mod open;
mod state;
mod value;

use crate::{
    auditor::Auditor,
    exported::Known,
    options::Options,
    report::{Input, Report},
    rollbacks::Noted,
    row::{Body, MAX_NODE, Row, Sealing, Text},
    signed::{Beside, Stored},
    unreadable::Unreadable,
};
use fourauth_audit::VerifyingKey;
use rusqlite::{Connection, Statement};
use std::path::Path;
use value::{count, flag, hash, int, is_null, sized, text};

/// Lower bound for the bytes that a row and its leaf take in the file.
///
/// If pages of the file form a cycle, SQLite reads more rows than the file can hold.
const LEAST_ROW: u64 = 32;

/// Most rollbacks that are read: one more than the auditor's own limit.
const MAX_ROLLBACKS: i64 = 10_001;

const ROWS: &str = "SELECT l.position, l.log_id, l.node, l.node_seq, l.leaf_hash, l.salt, \
     l.name_hash, l.detail_hash, l.erased_by, a.id, a.ts_utc, a.username, a.action, a.success, \
     a.detail FROM audit_leaf l LEFT JOIN access_logs a ON a.id = l.log_id ORDER BY l.position";

pub(crate) fn verify(path: &Path, options: &Options) -> Result<Report, Unreadable> {
    let mut known = Known::read(options)?;
    let (database, size) = open::open(path)?;
    let tree = state::Tree::read(&database)?;
    tree.check_key(options, &mut known.findings);
    let rollbacks = rollbacks(&database, &options.key)?;
    let mut checkpoints = database.prepare(CHECKPOINTS)?;
    let stored = stored(&mut checkpoints)?;

    let mut auditor = Auditor::new(options, known, Box::new(stored), rollbacks)?;
    let mut tiles = state::Tiles::new(&database)?;
    let (mut leaves, mut bodies) = (0, 0);
    read_rows(&database, size / LEAST_ROW, |row| {
        (leaves, bodies) = (leaves + 1, bodies + u64::from(!matches!(row.body, Body::Gone)));
        let before = auditor.tree.size();
        auditor.row(row)?;
        if auditor.tree.size() > before { tiles.check(&auditor.tree) } else { Ok(()) }
    })?;
    tree.check(&auditor.tree, auditor.places, &mut auditor.findings);
    tiles.finish(&mut auditor.findings)?;
    state::check_chains(&database, &auditor.chains, &mut auditor.findings)?;
    bodies += state::check_leafless(&database, &tree, auditor.tree.size(), &mut auditor.findings)?;
    for (table, read) in [("audit_leaf", leaves), ("access_logs", bodies)] {
        state::check_hidden(&database, table, read, &mut auditor.findings)?;
    }
    auditor.finish(Input::Database)
}

/// Reads the leaves in the order of their positions, each with its row. Fails after `most` rows.
fn read_rows(
    database: &Connection,
    most: u64,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut statement = database.prepare(ROWS)?;
    let mut rows = statement.query([])?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        visit(&leaf(row)?)?;
        read += 1;
        if read > most {
            return Err(Unreadable::Schema("has more rows than its file can hold".to_owned()));
        }
    }
    Ok(())
}

fn leaf<'a>(row: &'a rusqlite::Row<'_>) -> Result<Row<'a>, Unreadable> {
    let column = |index| row.get_ref(index);
    let id = int(column(1)?);
    let node = text(column(2)?).filter(|node| node.len() <= MAX_NODE);
    let link = node.zip(int(column(3)?));
    Ok(Row {
        id: id.ok_or_else(|| Unreadable::Schema("has a leaf without a row id".to_owned()))?,
        position: int(column(0)?),
        link,
        sealing: sealing(row)?,
        leaf_hash: hash(column(4)?),
        body: body(row)?,
    })
}

fn sealing(row: &rusqlite::Row<'_>) -> Result<Sealing, Unreadable> {
    let salt = sized(row.get_ref(5)?);
    let (name, detail) = (sized(row.get_ref(6)?), sized(row.get_ref(7)?));
    let by = row.get_ref(8)?;
    let is_fit = is_null(by) || int(by).is_some();
    Ok(match (salt, name, detail) {
        (Ok(salt), Ok(name), Ok(detail)) if is_fit => Sealing::new(salt, name, detail, int(by)),
        _ => Sealing::Unfit,
    })
}

fn body<'a>(row: &'a rusqlite::Row<'_>) -> Result<Body<'a>, Unreadable> {
    if is_null(row.get_ref(9)?) {
        return Ok(Body::Gone);
    }
    let name = row.get_ref(11)?;
    let username = text(name);
    let found = (
        text(row.get_ref(10)?),
        is_null(name) || username.is_some(),
        text(row.get_ref(12)?),
        flag(row.get_ref(13)?),
        text(row.get_ref(14)?),
    );
    let (Some(ts_utc), true, Some(action), Some(success), Some(detail)) = found else {
        return Ok(Body::Unfit);
    };
    Ok(Body::Text(Text { ts_utc, username, action, success, detail }))
}

const CHECKPOINTS: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint ORDER BY size";

fn stored<'a>(
    statement: &'a mut Statement<'_>,
) -> Result<impl Iterator<Item = Result<Stored, Unreadable>> + 'a, Unreadable> {
    let rows = statement.query_map([], |row| {
        let (size, epoch) = (count(row.get_ref(0)?), count(row.get_ref(2)?));
        let beside = Beside { size, at: text(row.get_ref(1)?).map(str::to_owned), epoch };
        let note = text(row.get_ref(3)?).unwrap_or_default().to_owned();
        Ok(Stored { beside: Some(beside), note })
    })?;
    Ok(rows.map(|row| Ok(row?)))
}

fn rollbacks(database: &Connection, key: &VerifyingKey) -> Result<Vec<Noted>, Unreadable> {
    const SQL: &str = "SELECT size, note, log_id FROM audit_rollback ORDER BY size, note LIMIT ?";

    let mut statement = database.prepare(SQL)?;
    let rows = statement.query_map([MAX_ROLLBACKS], |row| {
        // A size that is not a number must not match any checkpoint.
        let size = count(row.get_ref(0)?).unwrap_or(u64::MAX);
        let note = text(row.get_ref(1)?).unwrap_or_default();
        Ok(Noted::read(note, key, Some(size), int(row.get_ref(2)?).unwrap_or(0)))
    })?;
    rows.map(|row| Ok(row?)).collect()
}
