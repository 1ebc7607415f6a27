//! The key of the current epoch, in a file that is replaced every 15 minutes. An attacker that
//! steals it can forge MACs of later epochs, but not of earlier ones.
//!
//! `fourauth-audit` defines how each key follows from the one before. [`first_key`](crate::first_key)
//! keeps the first one until an operator gives it to the auditor.

use crate::{
    chain::{Followed, StoredNotes},
    entropy, first_key,
    key_file::{self, KeyFileError},
};
use data_encoding::HEXLOWER;
use fourauth_audit::epoch::{EPOCH_MS, EpochKey};
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// File of the key in use.
const FILE: &str = "epoch.toml";

/// Most epochs that one call may advance: ten years. A clock that jumps further is wrong.
const MAX_STEP: u64 = 10 * 366 * 96;

/// The key of the current epoch and its file.
#[derive(Debug)]
pub struct EpochFile {
    path: PathBuf,
    key: EpochKey,
    /// When its epoch began.
    entered: UnixMillis,
    /// The newest checkpoint that the key depends on. `None` if this chain made none before.
    follows: Option<Followed>,
    /// When this process read or replaced the file. Epochs also end by this clock, which cannot be
    /// set back.
    counted: Instant,
}

/// Reasons why the key cannot advance to the current epoch. The old key stays in use.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The file cannot be read or replaced. A key that is not on disk must not be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The clock is years ahead of the file.
    #[error("the clock is more than ten years ahead of {}", path.display())]
    ClockJump {
        /// Path of the file.
        path: PathBuf,
    },
    /// The key is more than one epoch old.
    #[error("the epoch key was not replaced for more than half an hour")]
    Old,
}

impl EpochFile {
    /// Reads the file in `folder`. `None` if it is missing or of an earlier version: those keys did
    /// not depend on checkpoints.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file is exposed or damaged.
    pub fn open(folder: &Path) -> Result<Option<Self>, KeyFileError> {
        let path = folder.join(FILE);
        match key_file::read(&path) {
            Err(KeyFileError::Missing { .. }) => Ok(None),
            text => {
                let document: Document = toml::from_str(text?.expose())
                    .map_err(|_| KeyFileError::Malformed { path: path.clone() })?;
                if document.since_utc.is_some() {
                    return Ok(None);
                }
                document.opened(&path).map(Some).ok_or(KeyFileError::Malformed { path })
            }
        }
    }

    /// Begins a new chain of epochs at `now`. The auditor needs its first key, which is kept beside
    /// the file until an operator takes it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file cannot be written.
    pub(crate) fn begin(folder: &Path, now: UnixMillis) -> Result<Self, KeyFileError> {
        let key = EpochKey::new(0, entropy::bytes());
        // The auditor's file first: without it the checkpoints of the chain could not be verified.
        first_key::keep(folder, &key)?;
        let path = folder.join(FILE);
        let begun = Self { path, key, entered: now, follows: None, counted: Instant::now() };
        begun.write()?;
        Ok(begun)
    }

    /// Advances to the epoch of `now` and returns its key. If the clock went back, the time that
    /// this process has run counts. A new key is on disk, and the old one is erased, before it is
    /// returned.
    ///
    /// # Errors
    ///
    /// [`EpochError`]. The key in use then stays [`EpochFile::current`].
    pub(crate) fn advance(
        &mut self,
        now: UnixMillis,
        notes: &StoredNotes,
    ) -> Result<&EpochKey, EpochError> {
        let steps = self.ahead(now);
        if steps > MAX_STEP {
            return Err(EpochError::ClockJump { path: self.path.clone() });
        }
        if steps > 0 {
            let next = self.after(steps, now, notes);
            // `self` changes only after the file was replaced.
            next.write()?;
            *self = next;
        }
        Ok(&self.key)
    }

    fn after(&self, steps: u64, now: UnixMillis, notes: &StoredNotes) -> Self {
        let (mut key, mut follows) = (self.key.clone(), self.follows);
        for _ in 0..steps {
            let last = notes.last_of(&key);
            key = key.next(last.as_ref().map(|last| &last.hash));
            follows = last.or(follows);
        }
        let took = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(EPOCH_MS);
        let entered = self.entered.saturating_add_ms(took).min(now);
        Self { path: self.path.clone(), key, entered, follows, counted: Instant::now() }
    }

    /// True if the epoch of the key in use is over.
    #[must_use]
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.ahead(now) > 0
    }

    /// True if the key in use is more than one epoch older than `now`.
    #[must_use]
    pub(crate) fn lags(&self, now: UnixMillis) -> bool {
        self.ahead(now) > 1
    }

    /// Number of epochs that have ended since that of the key in use began.
    fn ahead(&self, now: UnixMillis) -> u64 {
        let ran = i64::try_from(self.counted.elapsed().as_millis()).unwrap_or(i64::MAX);
        let passed = now.millis_since(self.entered).max(ran);
        u64::try_from(passed / EPOCH_MS).unwrap_or(0)
    }

    /// The key in use.
    #[must_use]
    pub(crate) const fn current(&self) -> &EpochKey {
        &self.key
    }

    /// True if both have the same key in use.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        self.key.expose_hex() == other.key.expose_hex()
    }

    /// The newest checkpoint that the key in use depends on.
    pub(crate) const fn follows(&self) -> Option<Followed> {
        self.follows
    }

    fn write(&self) -> Result<(), KeyFileError> {
        let (path, text) = (&self.path, self.to_toml());
        if path.exists() {
            private_file::replace_and_wipe(path, text.expose().as_bytes(), entropy::bytes())
                .map_err(|error| KeyFileError::Io { path: path.clone(), error })
        } else {
            key_file::create(path, &text)
        }
    }

    fn to_toml(&self) -> Secret<String> {
        let follows = self.follows.map_or(String::new(), |Followed { size, hash }| {
            format!("follows = {{ size = {size}, hash = \"{}\" }}\n", HEXLOWER.encode(&hash))
        });
        Secret::new(format!(
            "# The key of the current epoch of the audit log. The server replaces it every 15 min.\n\
             number = {}\nentered_utc = \"{}\"\nkey = \"{}\"\n{follows}",
            self.key.number,
            self.entered,
            *self.key.expose_hex()
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    number: u64,
    /// Of an earlier version, instead of `entered_utc`.
    since_utc: Option<UnixMillis>,
    entered_utc: Option<UnixMillis>,
    key: Secret<String>,
    follows: Option<DocumentFollows>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentFollows {
    size: u64,
    hash: String,
}

impl Document {
    fn opened(self, path: &Path) -> Option<EpochFile> {
        let key = EpochKey::from_hex(self.number, self.key.expose())?;
        let follows = match self.follows {
            Some(DocumentFollows { size, hash }) => {
                let hash = HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
                Some(Followed { size, hash })
            }
            None => None,
        };
        let (path, entered, counted) = (path.to_owned(), self.entered_utc?, Instant::now());
        Some(EpochFile { path, key, entered, follows, counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::note_by;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        time::Duration,
    };

    const START: UnixMillis = UnixMillis(1_740_830_400_000);
    const MINUTE: i64 = 60_000;

    fn begun() -> (tempfile::TempDir, EpochFile) {
        let folder = tempfile::tempdir().unwrap();
        let epoch = EpochFile::begin(folder.path(), START).unwrap();
        (folder, epoch)
    }

    fn on_disk(folder: &Path) -> EpochFile {
        EpochFile::open(folder).unwrap().unwrap()
    }

    fn none() -> StoredNotes {
        StoredNotes::default()
    }

    #[tokio::test]
    async fn each_epoch_has_its_key_and_the_file_holds_the_last() {
        let (folder, mut epoch) = begun();
        let first = epoch.current().clone();
        for (minute, number) in [(0, 0), (14, 0), (15, 1), (29, 1), (30, 2), (24 * 60, 96)] {
            let now = START.saturating_add_ms(minute * MINUTE);
            let key = epoch.advance(now, &none()).unwrap().clone();
            assert_eq!(key.number, number);
            let expected = (0..number).fold(first.clone(), |key, _| key.next(None));
            assert_eq!(*key.expose_hex(), *expected.expose_hex());
            assert_eq!(*on_disk(folder.path()).current().expose_hex(), *key.expose_hex());
        }
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!text.contains(first.expose_hex().as_str()));
    }

    #[tokio::test]
    async fn the_next_key_depends_on_the_last_checkpoint() {
        let (folder, mut epoch) = begun();
        let first = epoch.current().clone();
        let other = EpochKey::new(0, [9; 32]);
        let made = [note_by(&first, 3), note_by(&other, 5), note_by(&first, 4)];
        let last = Followed::of(&made[2]).unwrap();
        let notes: StoredNotes = made.into_iter().collect();
        let now = START.saturating_add_ms(31 * MINUTE);
        let key = epoch.advance(now, &notes).unwrap().clone();
        let expected = first.next(Some(&last.hash)).next(None);
        assert_eq!(*key.expose_hex(), *expected.expose_hex());
        assert_eq!(on_disk(folder.path()).follows(), Some(last));
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_keeps_the_key() {
        let (_folder, mut epoch) = begun();
        epoch.advance(START.saturating_add_ms(60 * MINUTE), &none()).unwrap();
        assert_eq!(epoch.advance(START, &none()).unwrap().number, 4);
        assert_eq!(epoch.advance(UnixMillis(i64::MIN), &none()).unwrap().number, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_epoch_ends_though_the_clock_was_set_back() {
        let (folder, mut epoch) = begun();
        let back = START.saturating_add_ms(-180 * MINUTE);
        tokio::time::advance(Duration::from_mins(14)).await;
        assert_eq!(epoch.advance(back, &none()).unwrap().number, 0);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(epoch.advance(back, &none()).unwrap().number, 1);
        // From now on the new time counts, also after a restart.
        let mut again = on_disk(folder.path());
        let soon = back.saturating_add_ms(16 * MINUTE);
        assert_eq!(again.advance(soon, &none()).unwrap().number, 2);
    }

    #[tokio::test]
    async fn a_clock_that_jumps_for_years_is_an_error() {
        let (_folder, mut epoch) = begun();
        let leap = epoch.advance(UnixMillis(i64::MAX), &none());
        assert!(matches!(leap, Err(EpochError::ClockJump { .. })));
        assert_eq!(epoch.current().number, 0);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_written_is_not_used() {
        let (folder, mut epoch) = begun();
        drop(folder);
        assert!(epoch.advance(START.saturating_add_ms(20 * MINUTE), &none()).is_err());
        assert_eq!(epoch.current().number, 0);
    }

    #[tokio::test]
    async fn a_file_of_an_earlier_version_begins_a_new_chain() {
        let (folder, epoch) = begun();
        let hex = epoch.current().expose_hex();
        let text = format!("number = 7\nsince_utc = \"{START}\"\nkey = \"{}\"\n", *hex);
        fs::write(folder.path().join(FILE), text).unwrap();
        assert!(EpochFile::open(folder.path()).unwrap().is_none());
        let begun = EpochFile::begin(folder.path(), START).unwrap();
        assert_eq!(begun.current().number, 0);
        assert_ne!(*begun.current().expose_hex(), *hex);
    }

    #[tokio::test]
    async fn a_damaged_or_exposed_file_is_refused() {
        let (folder, _epoch) = begun();
        let path = folder.path().join(FILE);
        let open = || EpochFile::open(folder.path()).err();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(), Some(KeyFileError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "number = 0").unwrap();
        assert!(matches!(open(), Some(KeyFileError::Malformed { .. })));
    }
}
