//! Changing a keyring's file: one command at a time, and never a moment without a whole file.
//!
//! It knows nothing of the database. That a key is added here before anything is sealed with it, and
//! removed after nothing is any more, is [`rotation`](crate::keys::rotation)'s business.

use super::{KEY_BYTES, Key, Keyring, KeyringError, file::MAX_BYTES};
use crate::entropy;
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A keyring's file, for as long as nobody else changes it.
#[derive(Debug)]
pub struct KeyringLock {
    path: PathBuf,
    /// Locked. The keyring itself cannot be: it is replaced.
    _beside: File,
}

impl KeyringLock {
    /// Keeps everybody else from changing the keyring at `path`. The operating system ends that with
    /// the process at the latest.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Locked`] if somebody else is at it; [`KeyringError::Io`].
    pub fn take(path: &Path) -> Result<Self, KeyringError> {
        let failed = |kind| KeyringError::Io { path: path.to_owned(), kind };
        // Whoever the keyring belongs to has to be able to lock it as well.
        let beside = private_file::open_lock(&path.with_extension("lock"), path)
            .map_err(|error| failed(error.kind()))?;
        match beside.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _beside: beside }),
            Err(TryLockError::WouldBlock) => Err(KeyringError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(error.kind())),
        }
    }

    /// Adds a key, durably; its id. It is newer than all others, whatever the clock says.
    ///
    /// # Errors
    ///
    /// [`KeyringError`]: the file is as it was, unless that is what cannot be said.
    pub fn add(
        &self,
        random: Secret<[u8; KEY_BYTES]>,
        now: UnixMillis,
    ) -> Result<String, KeyringError> {
        let mut keyring = Keyring::load(&self.path)?;
        let created = now.max(keyring.newest().created.saturating_add_ms(1));
        let key = Arc::new(Key::new(random, created));
        keyring.keys.push(Arc::clone(&key));
        self.replace(&keyring)?;
        Ok(key.id.clone())
    }

    /// Removes a key, durably; `false` if there is none of that id. The last one stays.
    ///
    /// # Errors
    ///
    /// [`KeyringError`]: the file is as it was, unless that is what cannot be said.
    pub fn remove(&self, id: &str) -> Result<bool, KeyringError> {
        let mut keyring = Keyring::load(&self.path)?;
        let held = keyring.keys.len();
        keyring.keys.retain(|key| key.id != id);
        if keyring.keys.is_empty() || keyring.keys.len() == held {
            return Ok(false);
        }
        self.replace(&keyring)?;
        Ok(true)
    }

    fn replace(&self, keyring: &Keyring) -> Result<(), KeyringError> {
        let (path, text) = (&self.path, keyring.to_toml());
        if u64::try_from(text.expose().len()).map_or(true, |bytes| bytes > MAX_BYTES) {
            return Err(KeyringError::Full { path: path.clone() });
        }
        private_file::replace(path, text.expose().as_bytes(), entropy::bytes())
            .map_err(|error| KeyringError::Io { path: path.clone(), kind: error.kind() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::keyring::RANDOM_BYTES;
    use tempfile::TempDir;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    fn made() -> (TempDir, PathBuf, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let keyring = Keyring::create(&path, &Secret::new([1; RANDOM_BYTES]), NOW).unwrap();
        (folder, path, keyring)
    }

    #[test]
    fn a_key_that_is_added_is_the_newest_and_the_rest_stays() {
        let (_folder, path, before) = made();
        let lock = KeyringLock::take(&path).unwrap();
        // The clock was set back meanwhile.
        let id = lock.add(Secret::new([2; KEY_BYTES]), UnixMillis(5)).unwrap();

        let after = Keyring::load(&path).unwrap();
        assert_eq!(after.newest().id, id);
        assert_eq!(after.newest().created, NOW.saturating_add_ms(1));
        assert!(before.checks().all(|check| after.checks().any(|other| other == check)));
        assert_eq!(after.checks().count(), 3);
    }

    #[test]
    fn a_key_that_is_removed_is_gone_and_the_last_one_stays() {
        let (_folder, path, before) = made();
        let lock = KeyringLock::take(&path).unwrap();
        let id = lock.add(Secret::new([2; KEY_BYTES]), NOW).unwrap();
        assert_eq!(lock.remove("k00000000"), Ok(false));
        assert_eq!(lock.remove(&before.newest().id), Ok(true));
        assert_eq!(lock.remove(&id), Ok(false));

        let after = Keyring::load(&path).unwrap();
        assert_eq!(after.pepper().expose(), before.pepper().expose());
        assert_eq!(after.keys().iter().map(|key| &key.id).collect::<Vec<_>>(), [&id]);
    }

    #[test]
    fn two_commands_do_not_change_it_at_once() {
        let (_folder, path, _) = made();
        let lock = KeyringLock::take(&path).unwrap();
        let locked = KeyringError::Locked { path: path.clone() };
        assert_eq!(KeyringLock::take(&path).err(), Some(locked));
        drop(lock);
        assert!(KeyringLock::take(&path).is_ok());
    }

    #[test]
    fn a_keyring_never_grows_beyond_what_is_read() {
        let (_folder, path, _) = made();
        let lock = KeyringLock::take(&path).unwrap();
        let mut keyring = Keyring::load(&path).unwrap();
        for number in 0_u16..600 {
            let [high, low] = number.to_be_bytes();
            let mut random = [7; KEY_BYTES];
            (random[0], random[1]) = (high, low);
            keyring.keys.push(Arc::new(Key::new(Secret::new(random), NOW)));
        }
        assert_eq!(lock.replace(&keyring), Err(KeyringError::Full { path: path.clone() }));
        assert_eq!(Keyring::load(&path).unwrap().keys().len(), 1);
    }
}
