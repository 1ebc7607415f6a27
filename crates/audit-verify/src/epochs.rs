//! Checks that each of the log's own checkpoints was made in its epoch. Needs the first key of each
//! chain of epochs.
//!
//! The keys of a chain follow from its first key and from the last checkpoint of each epoch, so they
//! are computed while the checkpoints are read.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
    unreadable::Unreadable,
};
use fourauth_audit::{
    Checkpoint, EpochKey, Hash, Note,
    epoch::{EPOCH_MS, EpochMac, text_hash},
};
use std::collections::BTreeSet;

/// Most keys that are computed: 570 years of epochs. Only a holder of the log's key can make
/// checkpoints that need more.
const MAX_STEPS: u64 = 20_000_000;

/// Length of an epoch, in seconds.
pub(crate) const EPOCH: i64 = EPOCH_MS / 1000;

/// How far a server's clock may go back without a finding, in seconds.
///
/// A forger has no key older than the current one, so a checkpoint forged for yesterday has today's
/// epoch.
const CLOCK_WENT_BACK: i64 = 3600;

/// The chains whose first keys the auditor has.
pub(crate) struct Epochs<'a> {
    chains: Vec<Chain>,
    steps: Steps,
    /// Size of the first checkpoint.
    first: Option<u64>,
    accepted: &'a BTreeSet<u64>,
}

impl<'a> Epochs<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self {
            chains: options.epoch_keys.iter().cloned().map(Chain::new).collect(),
            steps: Steps(MAX_STEPS),
            first: None,
            accepted: &options.clock_steps,
        }
    }

    /// Checks the next of the log's own checkpoints, in the order of their sizes: that it has the
    /// MAC of its epoch, and that its time lies in that epoch.
    ///
    /// Does nothing if the auditor has no key.
    ///
    /// # Errors
    ///
    /// [`Unreadable::TooMany`] if too many keys have to be computed.
    pub(crate) fn check(
        &mut self,
        note: &str,
        found: &Checkpoint,
        findings: &mut Findings,
    ) -> Result<(), Unreadable> {
        if self.chains.is_empty() {
            return Ok(());
        }
        self.first = self.first.or(Some(found.size));
        for chain in &mut self.chains {
            if chain.made(note, found, &mut self.steps)? {
                if !chain.is_in_time(found) && !self.accepted.contains(&found.size) {
                    findings.add(clock_step(found));
                }
                return Ok(());
            }
        }
        // Before the first one that a chain made, checkpoints are older than the given chains.
        if self.chains.iter().any(|chain| chain.last.is_some()) {
            findings.add(bad_mac(found));
        }
        Ok(())
    }

    /// Reports each chain that made no checkpoint: those that it made may have been removed.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        let Some(size) = self.first else { return };
        for (number, _) in (1_u64..).zip(&self.chains).filter(|(_, chain)| chain.last.is_none()) {
            let says = format!(
                "none of the log's checkpoints, the first with {size} rows, has a MAC of a key that \
                 follows from first key number {number}. If the operator told you that the \
                 checkpoints of that key were lost, leave it out"
            );
            findings.add(Finding::new(Kind::BadEpochMac, says).size(size));
        }
    }
}

fn bad_mac(found: &Checkpoint) -> Finding {
    let Checkpoint { size, epoch, .. } = found;
    let says = format!(
        "the checkpoint of {size} rows has no valid MAC of epoch {epoch}: it was made later, an \
         earlier checkpoint was removed or replaced, or a new chain of epochs began and you do not \
         have its first key"
    );
    Finding::new(Kind::BadEpochMac, says).size(*size)
}

fn clock_step(found: &Checkpoint) -> Finding {
    let Checkpoint { size, epoch, at, .. } = found;
    let says = format!(
        "the checkpoint of {size} rows is dated {at}, which does not agree with its epoch {epoch} \
         and the checkpoints before it. If the operator told you that the clock was changed then, \
         use --accept-clock {size}"
    );
    Finding::new(Kind::ClockStep, says).size(*size)
}

/// The number of keys that may still be computed.
struct Steps(u64);

impl Steps {
    fn take(&mut self, count: u64) -> Result<(), Unreadable> {
        let limit = usize::try_from(MAX_STEPS).unwrap_or(usize::MAX);
        let left = self.0.checked_sub(count);
        self.0 = left.ok_or(Unreadable::TooMany { what: "epochs", limit })?;
        Ok(())
    }
}

/// The keys that follow from one first key.
struct Chain {
    /// Key of the epoch of the newest checkpoint that this chain made, or the first key.
    key: EpochKey,
    /// What the next key depends on: the text of that checkpoint.
    last: Option<Hash>,
    /// The latest key that was computed from `key`, if no checkpoint is made after `last`. Many
    /// checkpoints that were not made by this chain do not compute the same keys again.
    ahead: EpochKey,
    /// Lower and upper bound for the start of epoch 0, from the checkpoints since the clock was
    /// last changed.
    begin: Option<[i64; 2]>,
}

impl Chain {
    fn new(first: EpochKey) -> Self {
        Self { ahead: first.clone(), key: first, last: None, begin: None }
    }

    /// True if this chain made the checkpoint. It is then the newest of the chain.
    fn made(
        &mut self,
        note: &str,
        found: &Checkpoint,
        steps: &mut Steps,
    ) -> Result<bool, Unreadable> {
        let Ok(note) = Note::parse(note) else { return Ok(false) };
        let Some(mac) = EpochMac::of(&note, &found.origin) else { return Ok(false) };
        if found.epoch < self.key.number {
            return Ok(false);
        }
        self.go_to(found.epoch, steps)?;
        let is_made = mac.number == found.epoch && self.ahead.made(note.text(), &mac);
        if is_made {
            (self.key, self.last) = (self.ahead.clone(), Some(text_hash(note.text())));
        }
        Ok(is_made)
    }

    /// Computes the key of this epoch, which is not before that of `key`.
    fn go_to(&mut self, epoch: u64, steps: &mut Steps) -> Result<(), Unreadable> {
        if self.ahead.number > epoch || self.ahead.number == self.key.number {
            self.ahead = self.key.clone();
        }
        steps.take(epoch - self.ahead.number)?;
        while self.ahead.number < epoch {
            let last = self.last.filter(|_| self.ahead.number == self.key.number);
            self.ahead = self.ahead.clone().next(last.as_ref());
        }
        Ok(())
    }

    /// True if the bounds of the checkpoints so far agree. If not, those before are given up.
    ///
    /// All epochs have the same length, so each checkpoint bounds the start of epoch 0.
    fn is_in_time(&mut self, found: &Checkpoint) -> bool {
        let Some(at) = instant::seconds(&found.at) else { return false };
        let epochs = i64::try_from(found.epoch).unwrap_or(i64::MAX / EPOCH);
        let begins = at.saturating_sub(epochs.saturating_mul(EPOCH));
        let told = [begins.saturating_sub(EPOCH), begins];
        let both =
            self.begin.map_or(told, |[after, before]| [after.max(told[0]), before.min(told[1])]);
        let agrees = both[0] <= both[1].saturating_add(CLOCK_WENT_BACK);
        self.begin = Some(if agrees { both } else { told });
        agrees
    }
}
