//! Changes to the keyring file: one command at a time, each an atomic replacement.
//!
//! This module does not access the database. [`rotation`](crate::keys::rotation) describes the order: a
//! key is added before it seals anything, and removed after nothing is sealed with it.

use super::{KEY_BYTES, Key, Keyring, KeyringError, file::MAX_BYTES};
use crate::entropy;
use fourauth_private_file as private_file;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Exclusive right to change a keyring file.
#[derive(Debug)]
pub struct KeyringLock {
    path: PathBuf,
    /// The locked file. The keyring file itself cannot be locked, because it is replaced.
    _lock: File,
}

impl KeyringLock {
    /// Locks the keyring at `path` against changes by other processes. The operating system
    /// releases the lock when the process ends.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Locked`] if another process holds the lock; [`KeyringError::Io`].
    pub fn take(path: &Path) -> Result<Self, KeyringError> {
        let failed = |kind| KeyringError::Io { path: path.to_owned(), kind };
        // The owner of the keyring must be able to lock it as well.
        let lock = private_file::open_lock(&path.with_extension("lock"), path)
            .map_err(|error| failed(error.kind()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(KeyringError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(error.kind())),
        }
    }

    /// Adds a key durably and returns its id. Its creation time is later than that of all other
    /// keys, even if the clock was set back.
    ///
    /// # Errors
    ///
    /// [`KeyringError`]. The file is unchanged, or after [`KeyringError::Io`] possibly replaced.
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

    /// Removes a key durably. `false` if there is no key with this id or it is the last one.
    ///
    /// # Errors
    ///
    /// [`KeyringError`]. The file is unchanged, or after [`KeyringError::Io`] possibly replaced.
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
    fn an_added_key_is_the_newest_and_the_others_stay() {
        let (_folder, path, before) = made();
        let lock = KeyringLock::take(&path).unwrap();
        // The clock was set back before.
        let id = lock.add(Secret::new([2; KEY_BYTES]), UnixMillis(5)).unwrap();

        let after = Keyring::load(&path).unwrap();
        assert_eq!(after.newest().id, id);
        assert_eq!(after.newest().created, NOW.saturating_add_ms(1));
        assert!(before.checks().all(|check| after.checks().any(|other| other == check)));
        assert_eq!(after.checks().count(), 3);
    }

    #[test]
    fn a_removed_key_is_gone_and_the_last_one_stays() {
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
    fn two_commands_cannot_change_a_keyring_at_once() {
        let (_folder, path, _) = made();
        let lock = KeyringLock::take(&path).unwrap();
        let locked = KeyringError::Locked { path: path.clone() };
        assert_eq!(KeyringLock::take(&path).err(), Some(locked));
        drop(lock);
        assert!(KeyringLock::take(&path).is_ok());
    }

    #[test]
    fn a_keyring_never_outgrows_the_read_limit() {
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
