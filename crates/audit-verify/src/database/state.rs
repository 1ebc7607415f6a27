//! Compares the stored state of the tree with the tree computed from the rows, and finds rows that
//! have no leaf.

use super::value::{blob, count, hash, int, is_null, text};
use crate::{
    chains::{BEGINNING, Chains},
    finding::{Finding, Findings, Kind},
    options::Options,
    unreadable::Unreadable,
};
use fourauth_audit::{Frontier, Hash};
use rusqlite::{Connection, OptionalExtension as _, Statement};

/// The hashes of every eighth level of the tree are stored.
const STEP: u32 = 8;

/// The row of `audit_tree`.
#[derive(Debug)]
pub(super) struct Tree {
    /// `None` if the stored frontier is not valid.
    frontier: Option<Frontier>,
    /// Id of the newest row that is older than the tree.
    legacy_to: i64,
    /// The text of the key; `None` if the log has no key yet.
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
            // A value that is not text must not match any key.
            let vkey = (!is_null(key)).then(|| text(key).unwrap_or_default().to_owned());
            Ok(Self { frontier, legacy_to, vkey })
        })?;
        let mut rows: Vec<Self> = rows.collect::<Result<_, _>>()?;
        match (rows.pop(), rows.is_empty()) {
            (Some(tree), true) => Ok(tree),
            _ => Ok(Self { frontier: None, legacy_to: 0, vkey: None }),
        }
    }

    /// Checks that the log names the auditor's key, or no key.
    pub(super) fn check_key(&self, options: &Options, findings: &mut Findings) {
        if self.vkey.as_ref().is_some_and(|vkey| *vkey != options.key.to_string()) {
            let says = "the database names another key than yours";
            findings.add(Finding::new(Kind::BadSignature, says));
        }
    }

    pub(super) fn check(&self, tree: &Frontier, places: u64, findings: &mut Findings) {
        let is_so = self.frontier.as_ref() == Some(tree) && tree.size() == places;
        if !is_so {
            let says = "audit_tree does not match the tree computed from the rows";
            findings.add(Finding::new(Kind::TreeState, says));
        }
    }
}

/// The stored hashes of inner nodes, compared with the tree while it grows.
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

    /// Checks the hashes of the subtrees that the newest leaf completed.
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

    /// Checks that no other hashes are stored.
    pub(super) fn finish(self, findings: &mut Findings) -> Result<(), Unreadable> {
        const SQL: &str = "SELECT COUNT(*) FROM audit_tile";

        let all = self.database.query_row(SQL, [], |row| Ok(count(row.get_ref(0)?)))?;
        if !self.are_so || all != Some(self.kept) {
            let says = "audit_tile does not match the tree computed from the rows";
            findings.add(Finding::new(Kind::TreeState, says));
        }
        Ok(())
    }
}

/// Checks that `audit_node` has the end of every chain.
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
        let says = "audit_node does not match the ends of the chains";
        findings.add(Finding::new(Kind::TreeState, says));
    }
    Ok(())
}

/// Finds rows without a leaf: the leaf was removed, or the row was inserted by other means. Returns
/// their number.
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
            Finding::new(Kind::MissingLeaf, format!("row {id} lost its leaf, or has none yet"))
        } else {
            Finding::new(Kind::InsertedRow, format!("row {id} was inserted: it has no leaf"))
        };
        findings.add(finding.row(id));
    }
    Ok(found)
}

/// Checks that a full scan of a table finds as many rows as were found by id and position.
///
/// An attacker with write access to the file can leave a row out of an index or out of order.
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
        let says = format!("{table} has {all} rows, but a search by index finds {read}");
        findings.add(Finding::new(Kind::HiddenRow, says));
    }
    Ok(())
}
