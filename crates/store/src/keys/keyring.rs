//! The keyring: the keys that seal secrets and the pepper of password hashes, in a separate file.
//!
//! Every key can open. [`sealing`](crate::keys::sealing) selects the key that seals, and
//! [`seal`](crate::keys::seal) encrypts. The pepper is not rotated with the keys, because hashes cannot
//! be recomputed without the passwords.

use crate::keys::row_code::RowKey;
use data_encoding::{BASE64, HEXLOWER};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

mod change;
mod file;
pub use change::KeyringLock;
pub use file::KeyringError;

/// Random bytes for a new keyring: half become the pepper, half the first key.
pub const RANDOM_BYTES: usize = 64;

/// Random bytes for a key.
pub const KEY_BYTES: usize = 32;

/// Name of the pepper among the check values. No key has this id.
pub(crate) const PEPPER: &str = "pepper";

/// Message of the HMAC that is a check value.
const CHECKED: &[u8] = b"fourauth key check v1";

/// Label of the derivation of the keys of grants.
const GRANTED: &[u8] = b"fourauth grant v1";

/// Label of the derivation of the seeds of keys that sign tokens.
const SIGNED: &[u8] = b"fourauth jwt v1";

/// Label of the derivation of the digest key.
const DIGESTED: &[u8] = b"fourauth value digest v1";

/// Label of the derivation of the key of codes over rows.
const CODED: &[u8] = b"fourauth row code v1";

/// A pepper and at least one key.
pub struct Keyring {
    pepper: Secret<[u8; 32]>,
    /// Oldest first.
    keys: Vec<Arc<Key>>,
    /// The file that the keyring was read from.
    source: Option<file::Source>,
    /// Derived at its first use.
    row_key: OnceLock<RowKey>,
}

/// One key.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) created: UnixMillis,
    master: Secret<[u8; KEY_BYTES]>,
}

impl Keyring {
    /// Creates a keyring in memory.
    #[must_use]
    pub fn generate(random: &Secret<[u8; RANDOM_BYTES]>, now: UnixMillis) -> Self {
        let (pepper, master) = random.expose().split_at(32);
        let copy = |half: &[u8]| Secret::new(std::array::from_fn(|index| half[index]));
        let keys = vec![Arc::new(Key::new(copy(master), now))];
        Self { pepper: copy(pepper), keys, source: None, row_key: OnceLock::new() }
    }

    /// Creates a keyring and writes it durably to `path`, readable only by its owner.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Exists`] if the file exists: a keyring is never replaced by a new one.
    /// [`KeyringError::Io`] if it cannot be written.
    pub fn create(
        path: &Path,
        random: &Secret<[u8; RANDOM_BYTES]>,
        now: UnixMillis,
    ) -> Result<Self, KeyringError> {
        file::create(path, &Self::generate(random, now).to_toml())?;
        Self::load(path)
    }

    /// Reads the keyring at `path`.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Missing`] if there is no file; [`holds_data`](crate::holds_data) tells if a
    /// new one may be created. The messages of other errors say what to do.
    pub fn load(path: &Path) -> Result<Self, KeyringError> {
        let (text, source) = file::read(path)?;
        let keyring = file::parse(&text)
            .map_err(|line| KeyringError::Malformed { path: path.to_owned(), line })?;
        Ok(Self { source: Some(source), ..keyring })
    }

    /// The pepper of every password hash.
    #[must_use]
    pub const fn pepper(&self) -> &Secret<[u8; 32]> {
        &self.pepper
    }

    /// Reads the file again if it changed. `None` if it did not, or if this keyring has no file.
    pub(crate) fn read_again(&self) -> Result<Option<Self>, KeyringError> {
        match &self.source {
            Some(source) if source.has_changed() => Self::load(&source.path).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Takes keys in any order. `None` if there are no keys, or if two have the same id.
    fn from_parts(pepper: Secret<[u8; 32]>, keys: Vec<Key>) -> Option<Self> {
        let mut keys: Vec<Arc<Key>> = keys.into_iter().map(Arc::new).collect();
        keys.sort_by_key(|key| key.created);
        let twice = |key: &Arc<Key>| keys.iter().filter(|other| other.id == key.id).count() > 1;
        if keys.is_empty() || keys.iter().any(twice) {
            return None;
        }
        Some(Self { pepper, keys, source: None, row_key: OnceLock::new() })
    }

    /// Oldest first.
    pub(crate) fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    pub(crate) fn newest(&self) -> &Arc<Key> {
        self.keys.last().expect("every constructor requires at least one key")
    }

    /// The newest key named in `known`.
    pub(crate) fn newest_of(&self, known: &[String]) -> Option<&Arc<Key>> {
        self.keys.iter().rfind(|key| known.contains(&key.id))
    }

    pub(crate) fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Name, creation time and check value of the pepper and of every key.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&str, UnixMillis, [u8; 32])> {
        let pepper = (PEPPER, self.keys[0].created, check_value(self.pepper.expose()));
        let keys = &self.keys;
        std::iter::once(pepper)
            .chain(keys.iter().map(|key| (key.id.as_str(), key.created, key.check_value())))
    }

    /// Digest of a named value in hexadecimal, to detect if the value changed: HMAC-SHA-256 under a
    /// key derived from the pepper (RFC 5869). Without the keyring, it cannot confirm a guess at
    /// the value. A rotation of keys does not change it.
    pub(crate) fn digest(&self, name: &str, value: &str) -> String {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, self.pepper.expose())
            .expand(DIGESTED, &mut key)
            .expect("32 bytes are within the output limit of HKDF");
        let key = Secret::new(key);
        let mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes any length");
        // Names contain no zero byte, so no other name and value give the same bytes.
        let mac = mac.chain_update(name).chain_update([0]).chain_update(value);
        HEXLOWER.encode(&mac.finalize().into_bytes())
    }

    /// The key of codes over rows (RFC 5869).
    pub(crate) fn row_key(&self) -> &RowKey {
        self.row_key.get_or_init(|| {
            let mut key = [0; 32];
            Hkdf::<Sha256>::new(None, self.pepper.expose())
                .expand(CODED, &mut key)
                .expect("32 bytes are within the output limit of HKDF");
            RowKey::new(&Secret::new(key))
        })
    }

    fn to_toml(&self) -> Secret<String> {
        let mut text = Secret::new(format!(
            "# fourauth's keys. This file opens every secret in the database, and without it they\n\
             # are lost. Keep a copy of it separate from the backups of the database.\n\n\
             pepper = \"{}\"\n",
            Secret::new(BASE64.encode(self.pepper.expose())).expose()
        ));
        for key in &self.keys {
            let Key { id, created, master } = &**key;
            let master = Secret::new(BASE64.encode(master.expose()));
            text = Secret::new(format!(
                "{}\n[[key]]\nid = \"{id}\"\ncreated_utc = \"{created}\"\nmaster = \"{}\"\n",
                text.expose(),
                master.expose()
            ));
        }
        text
    }
}

impl Key {
    /// Derives the id from the key, so that two keys do not get the same id by accident.
    fn new(master: Secret<[u8; KEY_BYTES]>, created: UnixMillis) -> Self {
        let mut name = [0; 4];
        Hkdf::<Sha256>::new(None, master.expose())
            .expand(b"fourauth key id v1", &mut name)
            .expect("four bytes are within the output limit of HKDF");
        Self { id: format!("k{}", HEXLOWER.encode(&name)), created, master }
    }

    pub(crate) const fn master(&self) -> &Secret<[u8; KEY_BYTES]> {
        &self.master
    }

    /// The key of grants that belongs to this key (RFC 5869).
    pub(crate) fn grant_key(&self) -> Secret<[u8; 32]> {
        self.derived(GRANTED)
    }

    /// The seed of the key pair that signs tokens.
    pub(crate) fn jwt_seed(&self) -> Secret<[u8; 32]> {
        self.derived(SIGNED)
    }

    fn derived(&self, label: &[u8]) -> Secret<[u8; 32]> {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, self.master.expose())
            .expand(label, &mut key)
            .expect("32 bytes are within the output limit of HKDF");
        Secret::new(key)
    }

    /// Identifies the key without revealing it.
    pub(crate) fn check_value(&self) -> [u8; 32] {
        check_value(self.master.expose())
    }
}

fn check_value(secret: &[u8; 32]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.chain_update(CHECKED).finalize().into_bytes().into()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    #[test]
    fn the_newest_key_does_not_depend_on_the_order_in_the_file() {
        let key = |byte, at| Key::new(Secret::new([byte; 32]), UnixMillis(at));
        let keys = vec![key(2, 200), key(3, 300), key(1, 100)];
        let known = [keys[2].id.clone(), keys[0].id.clone()];
        let keyring = Keyring::from_parts(Secret::new([0; 32]), keys).unwrap();
        assert_eq!(keyring.newest().created, UnixMillis(300));
        let of_the_known = keyring.newest_of(&known).map(|key| key.created);
        assert_eq!(of_the_known, Some(UnixMillis(200)));
        assert!(keyring.newest_of(&["other".into()]).is_none());
    }

    #[test]
    fn two_keys_with_one_name_are_refused() {
        let key = || Key::new(Secret::new([1; 32]), NOW);
        assert!(Keyring::from_parts(Secret::new([0; 32]), vec![key(), key()]).is_none());
        assert!(Keyring::from_parts(Secret::new([0; 32]), vec![]).is_none());
    }

    #[test]
    fn the_pepper_and_the_keys_are_not_printed() {
        let keyring = Keyring::generate(&Secret::new([7; RANDOM_BYTES]), NOW);
        let id = &keyring.newest().id;
        assert_eq!(format!("{keyring:?}"), format!("[{id:?}]"));
    }

    #[test]
    fn another_key_has_another_key_of_grants() {
        let [one, two] =
            [1, 2].map(|byte| Keyring::generate(&Secret::new([byte; RANDOM_BYTES]), NOW));
        let [one, two] = [one, two].map(|keyring| Arc::clone(keyring.newest()));
        assert_eq!(one.grant_key().expose(), one.grant_key().expose());
        assert_ne!(one.grant_key().expose(), two.grant_key().expose());
        for other in [one.master().expose(), &one.check_value()] {
            assert_ne!(one.grant_key().expose(), other);
        }
    }

    #[test]
    fn another_key_has_another_check_value() {
        let [one, two] = [1, 2].map(|byte| {
            Keyring::generate(&Secret::new([byte; RANDOM_BYTES]), NOW)
                .checks()
                .map(|(_, _, value)| value)
                .collect::<Vec<_>>()
        });
        assert_eq!(one.len(), 2);
        assert!(one.iter().zip(&two).all(|(one, two)| one != two));
    }

    #[test]
    fn a_digest_depends_on_the_pepper_the_name_and_the_value() {
        let [one, two] =
            [1, 2].map(|byte| Keyring::generate(&Secret::new([byte; RANDOM_BYTES]), NOW));
        assert_eq!(one.digest("a", "value"), one.digest("a", "value"));
        for other in [two.digest("a", "value"), one.digest("b", "value"), one.digest("a", "valu")] {
            assert_ne!(one.digest("a", "value"), other);
        }
    }
}
