//! Checks each row in the order of the tree, and the totals at the end.

use crate::{
    chains::Chains,
    erasures::Erasures,
    exported::{Exported, Known},
    finding::{Finding, Findings, Kind},
    lateness::Lateness,
    options::Options,
    report::{Input, Report},
    rollbacks::{Noted, Rollbacks},
    row::{Body, Row},
    signed::{Context, Signed, StoredOnes},
    unreadable::Unreadable,
};
use fourauth_audit::{Frontier, Hash};

/// Reads a log row by row.
pub(crate) struct Auditor<'a> {
    options: &'a Options,
    signed: Signed<'a>,
    rollbacks: Rollbacks,
    lateness: Lateness<'a>,
    erasures: Erasures,
    pub(crate) chains: Chains,
    pub(crate) tree: Frontier,
    /// Positions in the tree up to the last row. More than the leaves if some positions are empty.
    pub(crate) places: u64,
    /// True if every position so far has exactly one leaf.
    is_whole: bool,
    rows: u64,
    pub(crate) findings: Findings,
}

impl<'a> Auditor<'a> {
    /// Starts an audit.
    ///
    /// `stored` yields the log's own checkpoints in the order of their sizes; `given_up` has its
    /// rollbacks.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if there are too many rollbacks or a checkpoint cannot be read.
    pub(crate) fn new(
        options: &'a Options,
        known: Known,
        stored: StoredOnes<'a>,
        given_up: Vec<Noted>,
    ) -> Result<Self, Unreadable> {
        let Known { mut exported, mut findings } = known;
        exported.extend(options.handovers.iter().map(Exported::from));
        exported.sort_unstable();
        let mut rollbacks = Rollbacks::default();
        for noted in given_up {
            rollbacks.add(noted, &options.accepted, &mut findings)?;
        }
        let signed = Signed::new(options, exported, stored, &mut findings)?;
        let mut auditor = Self {
            options,
            signed,
            rollbacks,
            lateness: Lateness::new(options),
            erasures: Erasures::default(),
            chains: Chains::default(),
            tree: Frontier::default(),
            places: 0,
            is_whole: true,
            rows: 0,
            findings,
        };
        auditor.judge()?;
        Ok(auditor)
    }

    /// Checks the next row in the order of the tree.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] if a limit on kept state is exceeded.
    pub(crate) fn row(&mut self, row: &Row<'_>) -> Result<(), Unreadable> {
        self.rows += 1;
        let Some(position) = row.position else {
            self.find(Kind::WrongPosition, row, "has no position in the tree");
            return Ok(());
        };
        self.take_place(row, position);
        let hash = self.check_leaf(row)?;
        self.erasures.row(row)?;
        self.rollbacks.row(row, self.places.saturating_sub(1));
        if let Body::Text(text) = &row.body {
            self.lateness.waits(row.id, text.ts_utc);
        }
        self.tree.push(hash);
        if self.places >= self.signed.next_due() { self.judge() } else { Ok(()) }
    }

    /// Checks that every position has one leaf.
    fn take_place(&mut self, row: &Row<'_>, position: i64) {
        match u64::try_from(position).ok().filter(|position| *position >= self.places) {
            Some(position) if position > self.places => {
                let (first, last) = (self.places, position - 1);
                let says = format!("the rows at positions {first} to {last} are missing");
                let first = i64::try_from(first).unwrap_or(i64::MAX);
                self.findings.add(Finding::new(Kind::MissingRow, says).position(first));
                self.is_whole = false;
                self.places = position + 1;
            }
            Some(position) => self.places = position + 1,
            None => {
                self.find(Kind::WrongPosition, row, "has the position of an earlier row");
                self.is_whole = false;
            }
        }
    }

    /// Checks that the row's leaf hash is correct and is the next one in its node's chain.
    fn check_leaf(&mut self, row: &Row<'_>) -> Result<Hash, Unreadable> {
        let stored = row.leaf_hash.unwrap_or_default();
        if matches!(row.body, Body::Gone) {
            self.find(Kind::MissingRow, row, "is missing, but its leaf is present");
        }
        let Some((node, node_seq)) = row.link else {
            self.find(Kind::ChainBroken, row, "has no valid node or sequence number");
            return Ok(stored);
        };
        let previous = self.chains.end(node);
        self.chains.extend(node, (node_seq, stored))?;
        if node_seq.checked_sub(1) != Some(previous.0) {
            let says = format!("is number {node_seq} of node {node:?}, after {}", previous.0);
            self.find(Kind::ChainBroken, row, &says);
        } else if !matches!(row.body, Body::Gone)
            && (row.leaf_hash.is_none() || row.made_leaf(previous) != row.leaf_hash)
        {
            self.find(Kind::EditedRow, row, "was changed: it does not match its leaf hash");
        }
        Ok(stored)
    }

    fn find(&mut self, kind: Kind, row: &Row<'_>, says: &str) {
        let finding = Finding::new(kind, format!("row {} {says}", row.id)).row(row.id);
        self.findings.add(Finding { position: row.position, ..finding });
    }

    fn judge(&mut self) -> Result<(), Unreadable> {
        let tree = self.is_whole.then_some(&self.tree);
        let mut context = Context {
            findings: &mut self.findings,
            rollbacks: &self.rollbacks,
            lateness: &mut self.lateness,
        };
        self.signed.judge(self.places, tree, &mut context)
    }

    /// Finishes the audit after the last row.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the log's remaining checkpoints cannot be read.
    pub(crate) fn finish(mut self, input: Input) -> Result<Report, Unreadable> {
        let mut context = Context {
            findings: &mut self.findings,
            rollbacks: &self.rollbacks,
            lateness: &mut self.lateness,
        };
        self.signed.finish(self.places, &mut context)?;
        self.erasures.finish(self.options, &mut self.findings);
        self.rollbacks.finish(&mut self.findings);
        Ok(Report {
            input,
            origin: self.options.key.name().to_owned(),
            rows: self.rows,
            erased_rows: self.erasures.rows,
            root: self.is_whole.then(|| self.tree.root()),
            checkpoints: self.signed.checkpoints,
            exported_checkpoints: self.signed.exported(),
            given_up_checkpoints: self.signed.given_up,
            row: None,
            signed_at: None,
            has_epoch_key: !self.options.epoch_keys.is_empty(),
            findings: self.findings.listed,
            counts: self.findings.counts,
        })
    }
}
