//! Checks that each checkpoint was made in its epoch. Needs the key of the first epoch.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
};
use fourauth_audit::{
    Checkpoint, EpochKey, Note,
    epoch::{EPOCH_MS, EpochMac},
};

/// Highest epoch for which a key is derived from the first key: 285 years.
const MAX_EPOCH: u64 = 10_000_000;

/// Length of an epoch, in seconds.
const EPOCH: i64 = EPOCH_MS / 1000;

/// How far a server's clock may go back without a finding, in seconds.
///
/// A forger has no key older than the current one, so a checkpoint forged for yesterday has today's
/// epoch.
const CLOCK_WENT_BACK: i64 = 3600;

/// The keys of the epochs, derived from the first key on demand.
pub(crate) struct Epochs {
    first: Option<EpochKey>,
    /// The key that was derived last. Epochs ascend in most logs, so the next key is usually close.
    current: Option<EpochKey>,
    /// Lower and upper bound for the start of the first epoch, from the checkpoints so far.
    begin: Option<[i64; 2]>,
    /// True if a finding for times out of order was already reported.
    is_out_of_time: bool,
}

impl Epochs {
    pub(crate) fn new(options: &Options) -> Self {
        let key = || options.epoch_key.clone();
        Self { first: key(), current: key(), begin: None, is_out_of_time: false }
    }

    /// Checks that the checkpoint has the MAC of its epoch and that its time lies in that epoch.
    ///
    /// Does nothing if the auditor does not have the first key.
    pub(crate) fn check(&mut self, note: &str, found: &Checkpoint, findings: &mut Findings) {
        if self.first.is_none() {
            return;
        }
        let Checkpoint { size, epoch, .. } = found;
        if !self.is_made(note, found) {
            let says = format!("the checkpoint of {size} rows has no valid MAC of epoch {epoch}");
            findings.add(Finding::new(Kind::BadEpochMac, says).size(*size));
        } else if !self.is_in_time(found) && !std::mem::replace(&mut self.is_out_of_time, true) {
            let says = format!(
                "the time of the checkpoint of {size} rows, or of an earlier one, does not match \
                 its epoch {epoch}"
            );
            findings.add(Finding::new(Kind::BadEpochMac, says).size(*size));
        }
    }

    fn is_made(&mut self, note: &str, found: &Checkpoint) -> bool {
        let (Some(key), Ok(note)) = (self.key(found.epoch), Note::parse(note)) else {
            return false;
        };
        EpochMac::of(&note, &found.origin).is_some_and(|mac| key.made(note.text(), &mac))
    }

    /// True if the bounds of all checkpoints so far agree.
    ///
    /// All epochs have the same length, so each checkpoint bounds the start of the first epoch.
    fn is_in_time(&mut self, found: &Checkpoint) -> bool {
        let Some(at) = instant::seconds(&found.at) else { return false };
        let epochs = i64::try_from(found.epoch).unwrap_or(i64::MAX / EPOCH);
        let begins = at.saturating_sub(epochs.saturating_mul(EPOCH));
        let told = [begins.saturating_sub(EPOCH), begins];
        let [after, before] =
            self.begin.map_or(told, |[after, before]| [after.max(told[0]), before.min(told[1])]);
        self.begin = Some([after, before]);
        after <= before.saturating_add(CLOCK_WENT_BACK)
    }

    fn key(&mut self, epoch: u64) -> Option<&EpochKey> {
        if epoch > MAX_EPOCH || epoch < self.first.as_ref()?.number {
            return None;
        }
        if self.current.as_ref().is_none_or(|key| key.number > epoch) {
            self.current = self.first.clone();
        }
        let mut key = self.current.take()?;
        while key.number < epoch {
            key = key.next();
        }
        Some(self.current.insert(key))
    }
}
