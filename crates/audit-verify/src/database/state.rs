//! What the database remembers of the tree, so that it can grow, against the tree that its rows
//! make; and the rows that have no leaf at all.

use super::value::{blob, count, hash, int, is_null, text};
use crate::{
    chains::{BEGINNING, Chains},
    finding::{Finding, Findings, Kind},
    options::Options,
    unreadable::Unreadable,
};
use fourauth_audit::{Frontier, Hash};
use rusqlite::{Connection, OptionalExtension as _, Statement};

/// Levels of the tree between two whose hashes are kept.
const STEP: u32 = 8;

/// The row of `audit_tree`, if it has what it should.
#[derive(Debug)]
pub(super) struct Tree {
    frontier: Option<Frontier>,
    /// Newest row that is older than the tree.
    legacy_to: i64,
    /// The text of the key; none if there is none yet.
    vkey: Option<String>,
}

impl Tree {
    pub(super) fn read(database: &Connection) -> Result<Self, Unreadable> {
        const SQL: &str = "SELECT size, frontier, legacy_to, vkey FROM audit_tree LIMIT 2";

        let mut statement = database.prepare(SQL)?;
        let rows = statement.query_map([], |row| {
            let (size, bytes) = (count(row.get_ref(0)?), blob(row.get_ref(1)?));
            let frontier =
                size.zip(bytes).and_then(|(size, bytes)| Frontier::from_bytes(size, bytes));
            let legacy_to = int(row.get_ref(2)?).unwrap_or(0);
            let key = row.get_ref(3)?;
            // What is no text is no key.
            let vkey = (!is_null(key)).then(|| text(key).unwrap_or_default().to_owned());
            Ok(Self { frontier, legacy_to, vkey })
        })?;
        let mut rows: Vec<Self> = rows.collect::<Result<_, _>>()?;
        match (rows.pop(), rows.is_empty()) {
            (Some(tree), true) => Ok(tree),
            _ => Ok(Self { frontier: None, legacy_to: 0, vkey: None }),
        }
    }

    /// The log has to name the key that the auditor has, or none.
    pub(super) fn check_key(&self, options: &Options, findings: &mut Findings) {
        if self.vkey.as_ref().is_some_and(|vkey| *vkey != options.key.to_string()) {
            let says = "the database names another key than yours";
            findings.add(Finding::new(Kind::BadSignature, says));
        }
    }

    pub(super) fn check(&self, tree: &Frontier, places: u64, findings: &mut Findings) {
        let is_so = self.frontier.as_ref() == Some(tree) && tree.size() == places;
        if !is_so {
            let says = "audit_tree is not the right edge of the tree that the rows make";
            findings.add(Finding::new(Kind::TreeState, says));
        }
    }
}

/// Hashes of the tree's insides, looked up as it grows.
pub(super) struct Tiles<'a> {
    database: &'a Connection,
    lookup: Statement<'a>,
    kept: u64,
    are_so: bool,
}

impl<'a> Tiles<'a> {
    pub(super) fn new(database: &'a Connection) -> Result<Self, Unreadable> {
        const SQL: &str = "SELECT hash FROM audit_tile WHERE level = ? AND number = ?";

        let lookup = database.prepare(SQL)?;
        Ok(Self { database, lookup, kept: 0, are_so: true })
    }

    /// Looks at those that the newest leaf completed.
    pub(super) fn check(&mut self, tree: &Frontier) -> Result<(), Unreadable> {
        for level in (STEP..u64::BITS).step_by(STEP as usize) {
            let Some(made) = tree.perfect(level) else { return Ok(()) };
            let number = i64::try_from((tree.size() >> level) - 1).unwrap_or(i64::MAX);
            let found: Option<Option<Hash>> = self
                .lookup
                .query_row([i64::from(level), number], |row| Ok(hash(row.get_ref(0)?)))
                .optional()?;
            self.kept += 1;
            self.are_so &= found.flatten().as_ref() == Some(made);
        }
        Ok(())
    }

    /// There have to be no others.
    pub(super) fn finish(self, findings: &mut Findings) -> Result<(), Unreadable> {
        const SQL: &str = "SELECT COUNT(*) FROM audit_tile";

        let all = self.database.query_row(SQL, [], |row| Ok(count(row.get_ref(0)?)))?;
        if !self.are_so || all != Some(self.kept) {
            let says = "audit_tile has other hashes than the tree that the rows make";
            findings.add(Finding::new(Kind::TreeState, says));
        }
        Ok(())
    }
}

/// Every chain ends where `audit_node` says that it ends.
pub(super) fn check_chains(
    database: &Connection,
    chains: &Chains,
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    let mut statement = database.prepare("SELECT node, node_seq, leaf_hash FROM audit_node")?;
    let mut rows = statement.query([])?;
    let (mut begun, mut are_so) = (0, true);
    while let Some(row) = rows.next()? {
        let end = int(row.get_ref(1)?).zip(hash(row.get_ref(2)?));
        let known = text(row.get_ref(0)?).map(|node| chains.end(node));
        are_so &= end.is_some() && end == known;
        begun += usize::from(known.is_some_and(|known| known != BEGINNING));
    }
    if !are_so || begun != chains.len() {
        let says = "audit_node has other ends of chains than the rows";
        findings.add(Finding::new(Kind::TreeState, says));
    }
    Ok(())
}

/// Rows that no leaf is of: their leaf was taken away, or they were put there by another hand. How
/// many there are.
pub(super) fn check_leafless(
    database: &Connection,
    tree: &Tree,
    leaves: u64,
    findings: &mut Findings,
) -> Result<u64, Unreadable> {
    const SQL: &str = "SELECT a.id FROM access_logs a NOT INDEXED \
         WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.log_id = a.id) ORDER BY a.id";

    let lacks = tree.frontier.as_ref().is_some_and(|frontier| frontier.size() > leaves);
    let mut statement = database.prepare(SQL)?;
    let mut rows = statement.query([])?;
    let mut found = 0;
    while let Some(row) = rows.next()? {
        found += 1;
        let id = int(row.get_ref(0)?).unwrap_or(0);
        let finding = if lacks || id <= tree.legacy_to {
            Finding::new(Kind::MissingLeaf, format!("row {id} has lost its leaf, or has none yet"))
        } else {
            Finding::new(Kind::InsertedRow, format!("row {id} was put there: it has no leaf"))
        };
        findings.add(finding.row(id));
    }
    Ok(found)
}

/// A table, read from its beginning to its end, has to have as many rows as were found by their ids
/// and places: whoever can write the file can leave a row out of an index, or out of order.
pub(super) fn check_hidden(
    database: &Connection,
    table: &str,
    read: u64,
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    let sql = format!("SELECT 1 FROM {table} NOT INDEXED");
    let mut statement = database.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut all = 0_u64;
    while rows.next()?.is_some() {
        all += 1;
    }
    if all != read {
        let says = format!("{table} has {all} rows, of which a search finds {read}");
        findings.add(Finding::new(Kind::HiddenRow, says));
    }
    Ok(())
}
