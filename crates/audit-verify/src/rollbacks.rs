//! Checkpoints that an operator gave up because an older backup was restored.
//!
//! A given-up checkpoint that covers lost rows is not compared with the log, if a row records the
//! rollback and the operator told the auditor about it by other means.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    row::{Body, Row, Sealing},
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Checkpoint, VerifyingKey};
use std::collections::BTreeSet;

/// Action of a row that records a rollback.
const ACTION: &str = "accept_rollback";

/// Most rollbacks that are kept.
const MAX: usize = 10_000;

/// A rollback as recorded in the log.
#[derive(Debug)]
pub(crate) struct Noted {
    /// `None` if the note is not signed, or its size differs from the recorded one.
    lost: Option<Checkpoint>,
    row: i64,
}

impl Noted {
    /// Opens the lost checkpoint. `beside` is the size recorded next to the note, if there is one.
    pub(crate) fn read(note: &str, key: &VerifyingKey, beside: Option<u64>, row: i64) -> Self {
        let opened = Checkpoint::open(note, key).ok();
        Self { lost: opened.filter(|lost| beside.is_none_or(|size| size == lost.size)), row }
    }
}

#[derive(Debug)]
struct Rollback {
    lost: Checkpoint,
    /// When the lost checkpoint was signed, in seconds.
    until: Option<i64>,
    row: i64,
    /// Position of that row. No row before it was lost.
    position: Option<u64>,
    is_accepted: bool,
}

/// All rollbacks of the log.
#[derive(Debug, Default)]
pub(crate) struct Rollbacks(Vec<Rollback>);

impl Rollbacks {
    /// Adds a rollback. It has no effect until its row has been read.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] if there are more than [`MAX`].
    pub(crate) fn add(
        &mut self,
        noted: Noted,
        accepted: &BTreeSet<u64>,
        findings: &mut Findings,
    ) -> Result<(), Unreadable> {
        if self.0.len() == MAX {
            return Err(Unreadable::TooMany { what: "rollbacks", limit: MAX });
        }
        let Some(lost) = noted.lost else {
            let says = format!("the checkpoint given up by row {} is not signed", noted.row);
            findings.add(Finding::new(Kind::BadSignature, says).row(noted.row));
            return Ok(());
        };
        let until = instant::seconds(&lost.at);
        let is_accepted = accepted.contains(&lost.size);
        self.0.push(Rollback { lost, until, row: noted.row, position: None, is_accepted });
        Ok(())
    }

    /// Records the position if this is the row of a rollback.
    pub(crate) fn row(&mut self, row: &Row<'_>, position: u64) {
        for rollback in &mut self.0 {
            if rollback.row == row.id && rollback.is_told_by(row) {
                rollback.position = Some(position);
            }
        }
    }

    /// True if a rollback gave up the checkpoint of this size and instant.
    pub(crate) fn gave_up(&self, size: u64, at: Option<i64>) -> bool {
        self.0.iter().any(|rollback| {
            let is_lost = size <= rollback.lost.size && at.is_some() && at <= rollback.until;
            is_lost && rollback.position.is_some_and(|position| position < size)
        })
    }

    /// Reports every rollback that no row records or that the auditor does not know of.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        for rollback in &self.0 {
            let (row, size) = (rollback.row, rollback.lost.size);
            let says = match (rollback.position, rollback.is_accepted) {
                (None, _) => format!("no row gave up the lost checkpoint of {size} rows"),
                (Some(_), false) => format!(
                    "row {row} records a rollback to before the checkpoint of {size} rows; if the \
                     operator told you about it, use --accept-rollback {size}"
                ),
                (Some(_), true) => continue,
            };
            findings.add(Finding::new(Kind::Rollback, says).row(row).size(size));
        }
    }
}

impl Rollback {
    fn is_told_by(&self, row: &Row<'_>) -> bool {
        let (Body::Text(text), Sealing::Salted(_)) = (&row.body, row.sealing) else { return false };
        let root = HEXLOWER.encode(&self.lost.root);
        let told = format!("size={} root={root}", self.lost.size);
        let is_whole = |rest: &str| rest.is_empty() || rest.starts_with(' ');
        let is_there = text.detail.strip_prefix(&told).is_some_and(is_whole);
        text.action == ACTION && text.success && is_there
    }
}
