//! Checkpoints beside the tree: each must have been true when the tree was as large as it says.
//!
//! The log's own come in the order of their sizes, one at a time. Those that were exported have been
//! read before, and are here in that order too.

use crate::{
    epochs::Epochs,
    exported::Exported,
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
    rollbacks::Rollbacks,
    unreadable::Unreadable,
};
use fourauth_audit::{Checkpoint, Frontier, Hash, epoch};

/// A checkpoint as the log has it.
#[derive(Debug)]
pub(crate) struct Stored {
    /// What stands beside the note, where something does.
    pub(crate) beside: Option<Beside>,
    pub(crate) note: String,
}

/// The columns of a checkpoint in a database.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) size: Option<u64>,
    pub(crate) at: Option<String>,
    pub(crate) epoch: Option<u64>,
}

impl Beside {
    fn says(&self, checkpoint: &Checkpoint) -> bool {
        let Checkpoint { size, at, epoch, .. } = checkpoint;
        self.size == Some(*size) && self.at.as_ref() == Some(at) && self.epoch == Some(*epoch)
    }
}

/// The log's own checkpoints, as they come.
pub(crate) type StoredOnes<'a> = Box<dyn Iterator<Item = Result<Stored, Unreadable>> + 'a>;

/// Holds checkpoints against a tree while it grows.
pub(crate) struct Signed<'a> {
    options: &'a Options,
    epochs: Epochs,
    stored: StoredOnes<'a>,
    /// The log's own next one.
    next: Option<Checkpoint>,
    /// The log's own newest one that was due: its size and instant.
    newest: Option<(u64, Option<i64>)>,
    exported: Vec<Exported>,
    /// How many of these were due.
    due: usize,
    /// Log's own checkpoints, whatever became of them.
    pub(crate) checkpoints: u64,
    /// Exported ones that were given up.
    pub(crate) given_up: u64,
}

impl<'a> Signed<'a> {
    pub(crate) fn new(
        options: &'a Options,
        (exported, epochs): (Vec<Exported>, Epochs),
        stored: StoredOnes<'a>,
        findings: &mut Findings,
    ) -> Result<Self, Unreadable> {
        let (next, newest, due, checkpoints, given_up) = (None, None, 0, 0, 0);
        let mut signed =
            Self { options, epochs, stored, next, newest, exported, due, checkpoints, given_up };
        signed.advance(findings)?;
        Ok(signed)
    }

    /// How many were exported.
    pub(crate) fn exported(&self) -> u64 {
        self.exported.len() as u64
    }

    /// The size at which the next checkpoint is due.
    pub(crate) fn next_due(&self) -> u64 {
        let stored = self.next.as_ref().map_or(u64::MAX, |next| next.size);
        let exported = self.exported.get(self.due).map_or(u64::MAX, |next| next.size);
        stored.min(exported)
    }

    /// Looks at the checkpoints that are due now that the tree has so many places.
    ///
    /// `tree` is none if there is no telling what it was, because a place is empty.
    pub(crate) fn judge(
        &mut self,
        places: u64,
        tree: Option<&Frontier>,
        context: &mut Context<'_>,
    ) -> Result<(), Unreadable> {
        let root = tree.filter(|tree| tree.size() == places).map(Frontier::root);
        let fits = |size: u64, told: &Hash| size == places && root.as_ref() == Some(told);
        while let Some(next) = self.next.take_if(|next| next.size <= places) {
            let at = instant::seconds(&next.at);
            if !fits(next.size, &next.root) && !context.findings.has(Kind::RootMismatch) {
                context.findings.add(mismatch(next.size));
            }
            context.lateness.covered(next.size, at, self.newest.is_some(), context.findings);
            self.newest = Some((next.size, at));
            self.advance(context.findings)?;
        }
        while let Some(next) = self.exported.get(self.due).filter(|next| next.size <= places) {
            if !fits(next.size, &next.root) {
                if context.rollbacks.gave_up(next.size, next.at) {
                    self.given_up += 1;
                } else if !context.findings.has(Kind::HistoryChanged) {
                    context.findings.add(history(next.size));
                }
            }
            self.due += 1;
        }
        Ok(())
    }

    /// What is left when there are no more rows.
    pub(crate) fn finish(
        &mut self,
        places: u64,
        context: &mut Context<'_>,
    ) -> Result<(), Unreadable> {
        while let Some(next) = self.next.take() {
            if !context.findings.has(Kind::RootMismatch) {
                context.findings.add(mismatch(next.size));
            }
            self.advance(context.findings)?;
        }
        let gone = self.exported.split_off(self.due);
        let (given_up, gone): (Vec<_>, Vec<_>) =
            gone.into_iter().partition(|gone| context.rollbacks.gave_up(gone.size, gone.at));
        self.given_up += given_up.len() as u64;
        self.exported.extend(given_up);
        if let Some(gone) = gone.last() {
            let says = format!(
                "an exported checkpoint has {} rows and the log {places}: its end is gone",
                gone.size
            );
            context.findings.add(Finding::new(Kind::TailGone, says).size(gone.size));
        }
        self.exported.extend(gone);
        let signed = self.newest.map_or(0, |(size, _)| size);
        if signed < places {
            let says = format!("the last {} rows are in no checkpoint yet", places - signed);
            context.findings.add(Finding::new(Kind::UnsignedTail, says).size(signed));
        }
        Ok(())
    }

    /// Takes the log's own next checkpoint that says anything.
    fn advance(&mut self, findings: &mut Findings) -> Result<(), Unreadable> {
        while self.next.is_none() {
            let Some(stored) = self.stored.next().transpose()? else { return Ok(()) };
            self.checkpoints += 1;
            let opened = Checkpoint::open(&stored.note, &self.options.key);
            let beside = stored.beside;
            let is_so = |found: &Checkpoint| beside.as_ref().is_none_or(|told| told.says(found));
            match opened {
                Ok(found) if is_so(&found) => {
                    self.epochs.check(&stored.note, &found, findings);
                    self.accept(found, findings);
                }
                Ok(found) => {
                    let says = format!(
                        "the checkpoint of {} rows is not what stands beside it in its table",
                        found.size
                    );
                    findings.add(Finding::new(Kind::BadSignature, says).size(found.size));
                }
                Err(error) => {
                    let size = beside.and_then(|told| told.size);
                    let says = match size {
                        Some(size) => format!("at {size} rows: {error}"),
                        None => error.to_string(),
                    };
                    findings.add(Finding { size, ..Finding::new(Kind::BadSignature, says) });
                }
            }
        }
        Ok(())
    }

    /// Two checkpoints of one size, or one that comes after a larger one, are not of one log.
    fn accept(&mut self, found: Checkpoint, findings: &mut Findings) {
        let follows = self.newest.is_none_or(|(size, _)| found.size > size);
        if follows {
            self.next = Some(found);
        } else if !findings.has(Kind::RootMismatch) {
            findings.add(mismatch(found.size));
        }
    }
}

/// What else is known while a checkpoint is looked at.
pub(crate) struct Context<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) rollbacks: &'a Rollbacks,
    pub(crate) lateness: &'a mut Lateness,
}

fn mismatch(size: u64) -> Finding {
    let says = format!("the log's checkpoint of {size} rows does not fit its rows");
    Finding::new(Kind::RootMismatch, says).size(size)
}

fn history(size: u64) -> Finding {
    let says = format!("the first {size} rows are not those of the checkpoint that was exported");
    Finding::new(Kind::HistoryChanged, says).size(size)
}

/// How long rows wait for their checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// When the oldest row that waits was written, and its number.
    oldest: Option<(i64, i64)>,
}

impl Lateness {
    /// A row that no checkpoint covers yet.
    pub(crate) fn waits(&mut self, id: i64, ts_utc: &str) {
        if let Some(at) = instant::seconds(ts_utc)
            && self.oldest.is_none_or(|(oldest, _)| at < oldest)
        {
            self.oldest = Some((at, id));
        }
    }

    /// Rows of before the first checkpoint are none of its business: nothing was signed then.
    fn covered(&mut self, size: u64, at: Option<i64>, is_later: bool, findings: &mut Findings) {
        let (Some((oldest, id)), Some(at)) = (self.oldest.take(), at) else { return };
        if is_later && at - oldest > epoch::EPOCH_MS / 1000 {
            let says = format!("row {id} was in no checkpoint for {} s", at - oldest);
            findings.add(Finding::new(Kind::Late, says).row(id).size(size));
        }
    }
}
