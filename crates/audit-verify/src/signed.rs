//! Compares checkpoints with the tree. Each must match the tree at the size that it states.
//!
//! The log's own checkpoints are read one at a time, in the order of their sizes. The exported ones
//! were read before and are sorted in the same order.

use crate::{
    epochs::Epochs,
    exported::Exported,
    finding::{Finding, Findings, Kind},
    instant,
    lateness::Lateness,
    options::Options,
    rollbacks::Rollbacks,
    unreadable::Unreadable,
};
use fourauth_audit::{Checkpoint, Frontier, Hash};

/// A checkpoint as stored in the log.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The other columns of the row, if the input is a database.
    pub(crate) beside: Option<Beside>,
    pub(crate) note: String,
}

/// The columns next to the note in a database.
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

/// The log's own checkpoints, read on demand.
pub(crate) type StoredOnes<'a> = Box<dyn Iterator<Item = Result<Stored, Unreadable>> + 'a>;

/// Compares checkpoints with a tree while it grows.
pub(crate) struct Signed<'a> {
    options: &'a Options,
    epochs: Epochs<'a>,
    stored: StoredOnes<'a>,
    /// The log's own next checkpoint.
    next: Option<Checkpoint>,
    /// Size and instant of the log's own newest checkpoint that was compared.
    newest: Option<(u64, Option<i64>)>,
    exported: Vec<Exported>,
    /// Number of exported checkpoints that were compared.
    due: usize,
    /// Number of the log's own checkpoints, including invalid ones.
    pub(crate) checkpoints: u64,
    /// Number of exported checkpoints that were given up.
    pub(crate) given_up: u64,
}

impl<'a> Signed<'a> {
    pub(crate) fn new(
        options: &'a Options,
        exported: Vec<Exported>,
        stored: StoredOnes<'a>,
        findings: &mut Findings,
    ) -> Result<Self, Unreadable> {
        let (next, newest, due, checkpoints, given_up) = (None, None, 0, 0, 0);
        let epochs = Epochs::new(options);
        let mut signed =
            Self { options, epochs, stored, next, newest, exported, due, checkpoints, given_up };
        signed.advance(findings)?;
        Ok(signed)
    }

    /// Number of exported checkpoints.
    pub(crate) fn exported(&self) -> u64 {
        self.exported.len() as u64
    }

    /// The size at which the next checkpoint is due.
    pub(crate) fn next_due(&self) -> u64 {
        let stored = self.next.as_ref().map_or(u64::MAX, |next| next.size);
        let exported = self.exported.get(self.due).map_or(u64::MAX, |next| next.size);
        stored.min(exported)
    }

    /// Compares the checkpoints that are due at this number of positions.
    ///
    /// `tree` is `None` if a position is empty or taken twice, so that the root is unknown.
    pub(crate) fn judge(
        &mut self,
        places: u64,
        tree: Option<&Frontier>,
        context: &mut Context<'_, '_>,
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

    /// Reports the remaining checkpoints after the last row.
    pub(crate) fn finish(
        &mut self,
        places: u64,
        context: &mut Context<'_, '_>,
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
                "an exported checkpoint has {} rows, the log has {places}: its end is missing",
                gone.size
            );
            context.findings.add(Finding::new(Kind::TailGone, says).size(gone.size));
        }
        self.exported.extend(gone);
        self.epochs.finish(context.findings);
        context.lateness.finish(context.findings);
        let signed = self.newest.map_or(0, |(size, _)| size);
        if signed < places {
            let says = format!("no checkpoint covers the last {} rows yet", places - signed);
            context.findings.add(Finding::new(Kind::UnsignedTail, says).size(signed));
        }
        Ok(())
    }

    /// Reads the log's own next valid checkpoint.
    fn advance(&mut self, findings: &mut Findings) -> Result<(), Unreadable> {
        while self.next.is_none() {
            let Some(stored) = self.stored.next().transpose()? else { return Ok(()) };
            self.checkpoints += 1;
            let opened = Checkpoint::open(&stored.note, &self.options.key);
            let beside = stored.beside;
            let agrees = |found: &Checkpoint| beside.as_ref().is_none_or(|told| told.says(found));
            match opened {
                Ok(found) if agrees(&found) => {
                    self.epochs.check(&stored.note, &found, findings)?;
                    self.accept(found, findings);
                }
                Ok(found) => {
                    let says = format!(
                        "the checkpoint of {} rows differs from the other columns of its table row",
                        found.size
                    );
                    findings.add(Finding::new(Kind::BadSignature, says).size(found.size));
                }
                Err(error) => {
                    let size = beside.and_then(|told| told.size);
                    let says = match size {
                        Some(size) => format!("checkpoint of {size} rows: {error}"),
                        None => error.to_string(),
                    };
                    findings.add(Finding { size, ..Finding::new(Kind::BadSignature, says) });
                }
            }
        }
        Ok(())
    }

    /// Accepts a checkpoint that is larger than all before it. Sizes in one log strictly ascend.
    fn accept(&mut self, found: Checkpoint, findings: &mut Findings) {
        let follows = self.newest.is_none_or(|(size, _)| found.size > size);
        if follows {
            self.next = Some(found);
        } else if !findings.has(Kind::RootMismatch) {
            findings.add(mismatch(found.size));
        }
    }
}

/// State that is shared while checkpoints are compared.
pub(crate) struct Context<'a, 'b> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) rollbacks: &'a Rollbacks,
    pub(crate) lateness: &'a mut Lateness<'b>,
}

fn mismatch(size: u64) -> Finding {
    let says = format!("the log's own checkpoint of {size} rows does not match its rows");
    Finding::new(Kind::RootMismatch, says).size(size)
}

fn history(size: u64) -> Finding {
    let says = format!("the first {size} rows do not match the exported checkpoint");
    Finding::new(Kind::HistoryChanged, says).size(size)
}
