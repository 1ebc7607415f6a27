//! The key of the epoch: kept in a file that is replaced every quarter of an hour, so that whoever
//! takes it can vouch for what comes and for nothing that was.
//!
//! The first key, from which all others follow, also lies in `epoch-0` until an operator takes it to
//! the auditor. How one key follows from another is `fourauth-audit`'s business.

use crate::entropy;
use crate::key_file::{self, KeyFileError};
use fourauth_audit::epoch::{EPOCH_MS, EpochKey};
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The key in use.
const FILE: &str = "epoch.toml";

/// The first one, until somebody takes it away.
const FIRST: &str = "epoch-0";

/// Most epochs that one step goes over: ten years. A clock that leaps further is wrong.
const MAX_STEP: u64 = 10 * 366 * 96;

/// The key of the epoch and its file.
#[derive(Debug)]
pub struct EpochFile {
    path: PathBuf,
    since: UnixMillis,
    key: EpochKey,
}

/// Why the key of an epoch is not there. The one before stays in use.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The file cannot be replaced, and without that a key must not be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The clock is years ahead of the file.
    #[error("the clock is more than ten years ahead of {}", path.display())]
    Leap {
        /// The file.
        path: PathBuf,
    },
}

/// Whether the first key of the epochs still lies beside the others.
#[must_use]
pub fn first_key_is_here(folder: &Path) -> bool {
    folder.join(FIRST).exists()
}

/// Reads the first key, as hexadecimal digits, and removes its file. It is nowhere else then.
///
/// # Errors
///
/// [`KeyFileError::Missing`] if somebody has taken it already.
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
    /// [`KeyFileError`].
    pub fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let path = folder.join(FILE);
        let text = key_file::read(&path)?;
        parse(text.expose(), &path).ok_or(KeyFileError::Malformed { path })
    }

    /// The same. If there is none and `may_create`, begins the first epoch at `now` with the key
    /// `random`.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`].
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
        // First what the auditor gets: if a start is interrupted here, the next one goes on with it.
        let first = folder.join(FIRST);
        let text = text(&EpochKey::new(0, *random.expose()));
        let text = key_file::read_or_create(&first, &text)?;
        let key = EpochKey::from_hex(0, text.expose().trim_end())
            .ok_or(KeyFileError::Malformed { path: first })?;
        let made = Self { path: folder.join(FILE), since: now, key };
        key_file::create(&made.path, &made.to_toml(&made.key))?;
        Ok(made)
    }

    /// The key of the epoch of `now`; that of a later one if the clock has gone back. A new one is
    /// on disk, and the old one is not, before it is returned.
    ///
    /// # Errors
    ///
    /// [`EpochError`]; [`EpochFile::current`] then goes on.
    pub fn advance(&mut self, now: UnixMillis) -> Result<&EpochKey, EpochError> {
        let (number, steps) = self.ahead(now);
        if steps > MAX_STEP {
            return Err(EpochError::Leap { path: self.path.clone() });
        }
        if steps > 0 {
            // A copy, which stays should the file.
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

    /// Whether the key in use is older than that of the epoch before that of `now`.
    #[must_use]
    pub fn lags(&self, now: UnixMillis) -> bool {
        self.ahead(now).1 > 1
    }

    /// The epoch of `now`, and how many that is ahead of the key in use.
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
    fn every_quarter_of_an_hour_has_its_key_and_the_file_only_the_last() {
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
    fn a_clock_that_goes_back_brings_no_key_back() {
        let (_folder, mut epoch) = begun();
        epoch.advance(START.saturating_add_ms(60 * MINUTE)).unwrap();
        assert_eq!(epoch.advance(START).unwrap().number, 4);
        assert_eq!(epoch.advance(UnixMillis(i64::MIN)).unwrap().number, 4);
    }

    #[test]
    fn a_clock_that_leaps_for_years_moves_nothing() {
        let (_folder, mut epoch) = begun();
        let leap = epoch.advance(UnixMillis(i64::MAX));
        assert!(matches!(leap, Err(EpochError::Leap { .. })));
        assert_eq!(epoch.current().number, 0);
    }

    #[test]
    fn a_key_that_cannot_be_kept_is_not_used() {
        let (folder, mut epoch) = begun();
        drop(folder);
        assert!(epoch.advance(START.saturating_add_ms(20 * MINUTE)).is_err());
        assert_eq!(epoch.current().number, 0);
    }

    #[test]
    fn an_interrupted_beginning_goes_on_with_what_the_auditor_gets() {
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
    fn a_key_that_could_not_be_shown_stays() {
        let (folder, _epoch) = begun();
        let closed = || Err(std::io::ErrorKind::BrokenPipe.into());
        assert!(take_first_key(folder.path(), |_| closed()).is_err());
        assert!(first_key_is_here(folder.path()));
    }

    #[test]
    fn a_file_that_is_gone_damaged_or_exposed_is_refused() {
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
