//! The key of the current epoch, in a file that is replaced every 15 minutes. An attacker that
//! steals it can forge MACs of later epochs, but not of earlier ones.
//!
//! All keys are derived from the first one. It is also in `epoch-0`, until an operator gives it to
//! the auditor. `fourauth-audit` defines the derivation.

use crate::entropy;
use crate::key_file::{self, KeyFileError};
use fourauth_audit::epoch::{EPOCH_MS, EpochKey};
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// File of the key in use.
const FILE: &str = "epoch.toml";

/// File of the first key, until an operator takes it.
const FIRST: &str = "epoch-0";

/// Most epochs that one call may advance: ten years. A clock that jumps further is wrong.
const MAX_STEP: u64 = 10 * 366 * 96;

/// The key of the current epoch and its file.
#[derive(Debug)]
pub struct EpochFile {
    path: PathBuf,
    since: UnixMillis,
    key: EpochKey,
}

/// Reasons why the key cannot advance to the current epoch. The old key stays in use.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The file cannot be replaced. A key that is not on disk must not be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The clock is years ahead of the file.
    #[error("the clock is more than ten years ahead of {}", path.display())]
    ClockJump {
        /// Path of the file.
        path: PathBuf,
    },
}

/// True if the first epoch key is still on this machine.
#[must_use]
pub(crate) fn first_key_is_here(folder: &Path) -> bool {
    folder.join(FIRST).exists()
}

/// Passes the first key, in hexadecimal, to `show`, and then removes its file. There is no other
/// copy.
///
/// # Errors
///
/// [`KeyFileError::Missing`] if it was taken already. If `show` fails, the file stays.
pub fn take_first_key(
    folder: &Path,
    show: impl FnOnce(&Secret<String>) -> std::io::Result<()>,
) -> Result<(), KeyFileError> {
    let path = folder.join(FIRST);
    let text = key_file::read(&path)?;
    let failed = |error| KeyFileError::Io { path: path.clone(), error };
    show(&text).map_err(failed)?;
    private_file::remove_and_wipe(&path).map_err(failed)
}

impl EpochFile {
    /// Reads the file in `folder`.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file is missing, exposed or damaged.
    pub fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let path = folder.join(FILE);
        let text = key_file::read(&path)?;
        parse(text.expose(), &path).ok_or(KeyFileError::Malformed { path })
    }

    /// Reads the file in `folder`. If it is missing and `may_create`, starts the first epoch at
    /// `now` with the key `random`.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file cannot be read or created.
    pub fn open_or_create(
        folder: &Path,
        may_create: bool,
        random: &Secret<[u8; 32]>,
        now: UnixMillis,
    ) -> Result<Self, KeyFileError> {
        match Self::open(folder) {
            Err(KeyFileError::Missing { .. }) if may_create => Self::create(folder, random, now),
            opened => opened,
        }
    }

    fn create(
        folder: &Path,
        random: &Secret<[u8; 32]>,
        now: UnixMillis,
    ) -> Result<Self, KeyFileError> {
        // The auditor's file first. If the start is interrupted here, the next one reuses its key.
        let first = folder.join(FIRST);
        let text = text(&EpochKey::new(0, *random.expose()));
        let text = key_file::read_or_create(&first, &text)?;
        let key = EpochKey::from_hex(0, text.expose().trim_end())
            .ok_or(KeyFileError::Malformed { path: first })?;
        let made = Self { path: folder.join(FILE), since: now, key };
        key_file::create(&made.path, &made.to_toml(&made.key))?;
        Ok(made)
    }

    /// Advances to the epoch of `now` and returns its key. If the clock went back, returns the key
    /// of the later epoch. A new key is on disk, and the old one is erased, before it is returned.
    ///
    /// # Errors
    ///
    /// [`EpochError`]. The key in use then stays [`EpochFile::current`].
    pub fn advance(&mut self, now: UnixMillis) -> Result<&EpochKey, EpochError> {
        let (number, steps) = self.ahead(now);
        if steps > MAX_STEP {
            return Err(EpochError::ClockJump { path: self.path.clone() });
        }
        if steps > 0 {
            // `self.key` changes only after the file was replaced.
            let mut next = self.key.clone();
            while next.number < number {
                next = next.next();
            }
            let text = self.to_toml(&next);
            private_file::replace_and_wipe(&self.path, text.expose().as_bytes(), entropy::bytes())
                .map_err(|error| KeyFileError::Io { path: self.path.clone(), error })?;
            self.key = next;
        }
        Ok(&self.key)
    }

    /// True if the key in use is more than one epoch older than `now`.
    #[must_use]
    pub fn lags(&self, now: UnixMillis) -> bool {
        self.ahead(now).1 > 1
    }

    /// Number of the epoch of `now`, and its distance from the key in use.
    fn ahead(&self, now: UnixMillis) -> (u64, u64) {
        let number = u64::try_from(now.millis_since(self.since) / EPOCH_MS).unwrap_or(0);
        (number, number.saturating_sub(self.key.number))
    }

    /// The key in use.
    #[must_use]
    pub const fn current(&self) -> &EpochKey {
        &self.key
    }

    fn to_toml(&self, key: &EpochKey) -> Secret<String> {
        Secret::new(format!(
            "# The key of the current epoch of the audit log. The server replaces it every 15 min.\n\
             number = {}\nsince_utc = \"{}\"\nkey = \"{}\"\n",
            key.number,
            self.since,
            *key.expose_hex()
        ))
    }
}

fn text(first: &EpochKey) -> Secret<String> {
    Secret::new(format!("{}\n", *first.expose_hex()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    number: u64,
    since_utc: UnixMillis,
    key: Secret<String>,
}

fn parse(text: &str, path: &Path) -> Option<EpochFile> {
    let document: Document = toml::from_str(text).ok()?;
    let key = EpochKey::from_hex(document.number, document.key.expose())?;
    Some(EpochFile { path: path.to_owned(), since: document.since_utc, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    const START: UnixMillis = UnixMillis(1_740_830_400_000);
    const MINUTE: i64 = 60_000;

    fn random() -> Secret<[u8; 32]> {
        Secret::new([7; 32])
    }

    fn begun() -> (tempfile::TempDir, EpochFile) {
        let folder = tempfile::tempdir().unwrap();
        let epoch = EpochFile::open_or_create(folder.path(), true, &random(), START).unwrap();
        (folder, epoch)
    }

    fn on_disk(folder: &Path) -> EpochFile {
        EpochFile::open_or_create(folder, false, &Secret::new([0; 32]), START).unwrap()
    }

    #[test]
    fn each_epoch_has_its_key_and_the_file_holds_the_last() {
        let (folder, mut epoch) = begun();
        let first = EpochKey::new(0, [7; 32]);
        for (minute, number) in [(0, 0), (14, 0), (15, 1), (29, 1), (30, 2), (24 * 60, 96)] {
            let now = START.saturating_add_ms(minute * MINUTE);
            let key = epoch.advance(now).unwrap().clone();
            assert_eq!(key.number, number);
            let expected = (0..number).fold(first.clone(), |key, _| key.next());
            assert_eq!(*key.expose_hex(), *expected.expose_hex());
            assert_eq!(*on_disk(folder.path()).current().expose_hex(), *key.expose_hex());
        }
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!text.contains(first.expose_hex().as_str()));
    }

    #[test]
    fn a_clock_that_goes_back_keeps_the_key() {
        let (_folder, mut epoch) = begun();
        epoch.advance(START.saturating_add_ms(60 * MINUTE)).unwrap();
        assert_eq!(epoch.advance(START).unwrap().number, 4);
        assert_eq!(epoch.advance(UnixMillis(i64::MIN)).unwrap().number, 4);
    }

    #[test]
    fn a_clock_that_jumps_for_years_is_an_error() {
        let (_folder, mut epoch) = begun();
        let leap = epoch.advance(UnixMillis(i64::MAX));
        assert!(matches!(leap, Err(EpochError::ClockJump { .. })));
        assert_eq!(epoch.current().number, 0);
    }

    #[test]
    fn a_key_that_cannot_be_written_is_not_used() {
        let (folder, mut epoch) = begun();
        drop(folder);
        assert!(epoch.advance(START.saturating_add_ms(20 * MINUTE)).is_err());
        assert_eq!(epoch.current().number, 0);
    }

    #[test]
    fn an_interrupted_first_run_reuses_the_auditors_key() {
        let (folder, _epoch) = begun();
        fs::remove_file(folder.path().join(FILE)).unwrap();
        let other = Secret::new([8; 32]);
        let again = EpochFile::open_or_create(folder.path(), true, &other, START).unwrap();
        assert_eq!(*again.current().expose_hex(), *EpochKey::new(0, [7; 32]).expose_hex());
    }

    #[test]
    fn the_first_key_is_shown_once() {
        let (folder, _epoch) = begun();
        let mut shown = String::new();
        assert!(first_key_is_here(folder.path()));
        take_first_key(folder.path(), |text| {
            shown.clone_from(text.expose());
            Ok(())
        })
        .unwrap();
        assert_eq!(shown, "07".repeat(32) + "\n");
        assert!(!first_key_is_here(folder.path()));
        let again = take_first_key(folder.path(), |_| Ok(()));
        assert!(matches!(again, Err(KeyFileError::Missing { .. })));
    }

    #[test]
    fn the_first_key_stays_if_it_could_not_be_shown() {
        let (folder, _epoch) = begun();
        let closed = || Err(std::io::ErrorKind::BrokenPipe.into());
        assert!(take_first_key(folder.path(), |_| closed()).is_err());
        assert!(first_key_is_here(folder.path()));
    }

    #[test]
    fn a_missing_damaged_or_exposed_file_is_refused() {
        let (folder, _epoch) = begun();
        let path = folder.path().join(FILE);
        let open = || EpochFile::open_or_create(folder.path(), false, &random(), START).err();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(), Some(KeyFileError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "number = 0").unwrap();
        assert!(matches!(open(), Some(KeyFileError::Malformed { .. })));
        fs::remove_file(&path).unwrap();
        assert!(matches!(open(), Some(KeyFileError::Missing { .. })));
    }
}
