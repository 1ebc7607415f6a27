//! Checkpoints that an operator has given up, because an older backup was restored.
//!
//! What they stated about rows that are lost is no longer held against the log, if the row that
//! says so is there and the auditor was told of it by other means.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    row::{Body, Row, Sealing},
    unreadable::Unreadable,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Checkpoint, VerifyingKey};
use std::collections::BTreeSet;

/// What the row is called.
const ACTION: &str = "accept_rollback";

/// Most that are kept in mind.
const MAX: usize = 10_000;

/// A rollback as the log has it.
#[derive(Debug)]
pub(crate) struct Noted {
    /// None if nobody has signed it, or not for the size that stands beside it.
    lost: Option<Checkpoint>,
    row: i64,
}

impl Noted {
    /// What `note` says if it is as it was signed, and of as many rows as stand beside it, if any do.
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
    /// Where that row stands: no row before it was lost.
    position: Option<u64>,
    is_accepted: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rollbacks(Vec<Rollback>);

impl Rollbacks {
    /// Takes note of a rollback. It counts for nothing until its row has been seen.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] of them.
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
            let says = format!("the checkpoint that row {} gave up is not signed", noted.row);
            findings.add(Finding::new(Kind::BadSignature, says).row(noted.row));
            return Ok(());
        };
        let until = instant::seconds(&lost.at);
        let is_accepted = accepted.contains(&lost.size);
        self.0.push(Rollback { lost, until, row: noted.row, position: None, is_accepted });
        Ok(())
    }

    /// Looks whether this is the row of one.
    pub(crate) fn row(&mut self, row: &Row<'_>, position: u64) {
        for rollback in &mut self.0 {
            if rollback.row == row.id && rollback.is_told_by(row) {
                rollback.position = Some(position);
            }
        }
    }

    /// Whether a checkpoint of this size and instant is among what was lost.
    pub(crate) fn gave_up(&self, size: u64, at: Option<i64>) -> bool {
        self.0.iter().any(|rollback| {
            let is_lost = size <= rollback.lost.size && at.is_some() && at <= rollback.until;
            is_lost && rollback.position.is_some_and(|position| position < size)
        })
    }

    /// Every rollback has to have its row, and the auditor's knowledge.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        for rollback in &self.0 {
            let (row, size) = (rollback.row, rollback.lost.size);
            let says = match (rollback.position, rollback.is_accepted) {
                (None, _) => format!("the checkpoint of {size} rows was given up without a row"),
                (Some(_), false) => format!(
                    "by row {row} the log was set back behind its checkpoint of {size} rows; if \
                     you know of that, say --accept-rollback {size}"
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
