//! The stored checkpoints that the next epoch keys depend on.

use fourauth_audit::{
    Hash,
    epoch::{EpochKey, EpochMac, text_hash},
    note::Note,
};
use fourauth_store::{Error, SignedCheckpoint, Store};
use std::{cmp::Reverse, collections::BTreeMap};

/// Most checkpoints that are read. A server makes 900 in an epoch.
const MOST: u32 = 20_000;

/// A checkpoint that later epoch keys depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Followed {
    /// Number of leaves of its tree.
    pub(crate) size: u64,
    /// SHA-256 of its text.
    pub(crate) hash: Hash,
}

impl Followed {
    /// `None` if the note has no valid form.
    pub(crate) fn of(stored: &SignedCheckpoint) -> Option<Self> {
        let note = Note::parse(&stored.note).ok()?;
        Some(Self { size: stored.size, hash: text_hash(note.text()) })
    }

    /// True if the checkpoint is in the database.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn is_in(&self, store: &Store) -> Result<bool, Error> {
        let found = store.checkpoint_of(self.size).await?;
        Ok(found.as_ref().and_then(Self::of) == Some(*self))
    }
}

/// Checkpoints of the database by their epoch, largest first in each. They may be of several
/// servers.
#[derive(Debug, Default)]
pub(crate) struct StoredNotes(BTreeMap<u64, Vec<SignedCheckpoint>>);

impl StoredNotes {
    /// Reads the newest checkpoints that are not larger than `size` and not of an earlier epoch
    /// than `key`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn read(store: &Store, size: u64, key: &EpochKey) -> Result<Self, Error> {
        let found = store.checkpoints_to(size, key.number, MOST).await?;
        Ok(found.into_iter().collect())
    }

    /// The largest checkpoint that this key made.
    pub(crate) fn last_of(&self, key: &EpochKey) -> Option<Followed> {
        let of_epoch = self.0.get(&key.number)?;
        of_epoch.iter().find(|stored| is_by(key, stored)).and_then(Followed::of)
    }
}

impl FromIterator<SignedCheckpoint> for StoredNotes {
    fn from_iter<T: IntoIterator<Item = SignedCheckpoint>>(all: T) -> Self {
        let mut by_epoch: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for stored in all {
            by_epoch.entry(stored.epoch).or_default().push(stored);
        }
        for notes in by_epoch.values_mut() {
            notes.sort_by_key(|stored| Reverse(stored.size));
        }
        Self(by_epoch)
    }
}

fn is_by(key: &EpochKey, stored: &SignedCheckpoint) -> bool {
    let Ok(note) = Note::parse(&stored.note) else { return false };
    let origin = note.text().lines().next().unwrap_or_default();
    EpochMac::of(&note, origin).is_some_and(|mac| key.made(note.text(), &mac))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use fourauth_audit::{Checkpoint, key::SigningKey};

    /// A checkpoint of `size` rows with the MAC of `key`.
    pub(crate) fn note_by(key: &EpochKey, size: u64) -> SignedCheckpoint {
        let (origin, at) = ("log".to_owned(), "2026-11-21T10:00:00Z".to_owned());
        let text = Checkpoint { origin, size, root: [9; 32], at: at.clone(), epoch: key.number };
        let note = text.sign(&SigningKey::from_seed(&[1; 32]).unwrap(), Some(key));
        SignedCheckpoint { size, ts_utc: at, epoch: key.number, note }
    }

    #[test]
    fn only_checkpoints_with_its_mac_count_for_a_key() {
        let (key, other) = (EpochKey::new(2, [7; 32]), EpochKey::new(2, [8; 32]));
        let all = [note_by(&key, 3), note_by(&other, 9), note_by(&key, 4)];
        let notes: StoredNotes = all.clone().into_iter().collect();
        assert_eq!(notes.last_of(&key), Followed::of(&all[2]));
        assert_eq!(notes.last_of(&other), Followed::of(&all[1]));
        assert_eq!(notes.last_of(&EpochKey::new(3, [7; 32])), None);
        assert_eq!(StoredNotes::default().last_of(&key), None);
    }
}
