//! Whether a checkpoint was made in its epoch, for the auditor who has the key of the first.

use crate::{
    finding::{Finding, Findings, Kind},
    instant,
    options::Options,
};
use fourauth_audit::{
    Checkpoint, EpochKey, Note,
    epoch::{EPOCH_MS, EpochMac},
};

/// Most epochs that a first key is carried on for: 285 years.
const MAX_EPOCH: u64 = 10_000_000;

/// Length of an epoch, in seconds.
const EPOCH: i64 = EPOCH_MS / 1000;

/// How far a server's clock may have gone back without being taken for a forger, in seconds.
///
/// A forger has the key of now and none before: what they sign for yesterday has today's epoch.
const CLOCK_WENT_BACK: i64 = 3600;

/// The keys of the epochs, made from the first as they are needed.
pub(crate) struct Epochs {
    first: Option<EpochKey>,
    /// The newest that was made. Checkpoints go forward, so it is mostly the right one.
    current: Option<EpochKey>,
    /// When the first epoch began, by the checkpoints so far: not before, and not after.
    begin: Option<[i64; 2]>,
    is_out_of_time: bool,
}

impl Epochs {
    pub(crate) fn new(options: &Options) -> Self {
        let key = || options.epoch_key.clone();
        Self { first: key(), current: key(), begin: None, is_out_of_time: false }
    }

    /// If the auditor has the first key, every checkpoint has to have its epoch's MAC, and all of
    /// them must have been made in the epochs of their times.
    pub(crate) fn check(&mut self, note: &str, found: &Checkpoint, findings: &mut Findings) {
        if self.first.is_none() {
            return;
        }
        let Checkpoint { size, epoch, .. } = found;
        if !self.is_made(note, found) {
            let says = format!("the checkpoint of {size} rows has no MAC of its epoch {epoch}");
            findings.add(Finding::new(Kind::BadEpochMac, says).size(*size));
        } else if !self.is_in_time(found) && !std::mem::replace(&mut self.is_out_of_time, true) {
            let says = format!(
                "the checkpoint of {size} rows, or one before, says another time than its epoch \
                 {epoch} was"
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

    /// An epoch is as long as any other, so that each checkpoint says when the first one began: not
    /// before one instant, and not after another.
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
