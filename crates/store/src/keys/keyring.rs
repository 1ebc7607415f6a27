//! The keys that seal secrets and the pepper of password hashes, kept in a file of their own.
//!
//! All keys open; which one seals is [`sealing`](crate::keys::sealing)'s business, and how is
//! [`seal`](crate::keys::seal)'s. The pepper is not one of the keys: hashes cannot be made anew without the
//! passwords, so it stays when keys are rotated.

use data_encoding::{BASE64, HEXLOWER};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{fmt, path::Path, sync::Arc};

mod change;
mod file;
pub use change::KeyringLock;
pub use file::KeyringError;

/// Random bytes that a new keyring is made of: half become the pepper, half the first key.
pub const RANDOM_BYTES: usize = 64;

/// Random bytes that a key is made of.
pub const KEY_BYTES: usize = 32;

/// The name of the pepper among the check values. No key has it.
pub(crate) const PEPPER: &str = "pepper";

/// What a check value is the HMAC of.
const CHECKED: &[u8] = b"fourauth key check v1";

/// What the key of digests is expanded for.
const DIGESTED: &[u8] = b"fourauth value digest v1";

/// A pepper and at least one key.
pub struct Keyring {
    pepper: Secret<[u8; 32]>,
    /// Oldest first.
    keys: Vec<Arc<Key>>,
    /// The file that it was read from.
    source: Option<file::Source>,
}

/// One key.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) created: UnixMillis,
    master: Secret<[u8; KEY_BYTES]>,
}

impl Keyring {
    /// Makes a keyring that is nowhere stored.
    #[must_use]
    pub fn generate(random: &Secret<[u8; RANDOM_BYTES]>, now: UnixMillis) -> Self {
        let (pepper, master) = random.expose().split_at(32);
        let copy = |half: &[u8]| Secret::new(std::array::from_fn(|index| half[index]));
        let keys = vec![Arc::new(Key::new(copy(master), now))];
        Self { pepper: copy(pepper), keys, source: None }
    }

    /// Makes a keyring and writes it to `path`, durably, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Exists`] if there is a file already: no keyring takes another's place.
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
    /// [`KeyringError::Missing`] if there is none; whether a new one may be made depends on
    /// [`holds_data`](crate::holds_data). Otherwise the text says what to do.
    pub fn load(path: &Path) -> Result<Self, KeyringError> {
        let (text, source) = file::read(path)?;
        let keyring = file::parse(&text)
            .map_err(|line| KeyringError::Malformed { path: path.to_owned(), line })?;
        Ok(Self { source: Some(source), ..keyring })
    }

    /// What is mixed into every password hash.
    #[must_use]
    pub const fn pepper(&self) -> &Secret<[u8; 32]> {
        &self.pepper
    }

    /// What stands now in the file that this was read from. `None` if that is the same as ever, or
    /// if it was read from none.
    pub(crate) fn read_again(&self) -> Result<Option<Self>, KeyringError> {
        match &self.source {
            Some(source) if source.has_changed() => Self::load(&source.path).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Takes keys in any order. `None` if there is none, or if two go by one name.
    fn from_parts(pepper: Secret<[u8; 32]>, keys: Vec<Key>) -> Option<Self> {
        let mut keys: Vec<Arc<Key>> = keys.into_iter().map(Arc::new).collect();
        keys.sort_by_key(|key| key.created);
        let twice = |key: &Arc<Key>| keys.iter().filter(|other| other.id == key.id).count() > 1;
        if keys.is_empty() || keys.iter().any(twice) {
            return None;
        }
        Some(Self { pepper, keys, source: None })
    }

    /// Oldest first.
    pub(crate) fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    pub(crate) fn newest(&self) -> &Arc<Key> {
        self.keys.last().expect("every constructor sees to it that there is a key")
    }

    /// The newest of the keys that `known` names.
    pub(crate) fn newest_of(&self, known: &[String]) -> Option<&Arc<Key>> {
        self.keys.iter().rfind(|key| known.contains(&key.id))
    }

    pub(crate) fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Every secret by name with its age and a value that tells whether it is the same one.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&str, UnixMillis, [u8; 32])> {
        let pepper = (PEPPER, self.keys[0].created, check_value(self.pepper.expose()));
        let keys = &self.keys;
        std::iter::once(pepper)
            .chain(keys.iter().map(|key| (key.id.as_str(), key.created, key.check_value())))
    }

    /// A digest that tells whether a named value is the same one as before, in hexadecimal: HMAC-SHA-256
    /// under a key that follows from the pepper (RFC 5869). Without the keyring it confirms no guess at
    /// the value, and a rotation of keys does not change it.
    pub(crate) fn digest(&self, name: &str, value: &str) -> String {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, self.pepper.expose())
            .expand(DIGESTED, &mut key)
            .expect("32 bytes are within what HKDF can expand");
        let key = Secret::new(key);
        let mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes any length");
        // A name holds no zero byte, so no other pair has these bytes.
        let mac = mac.chain_update(name).chain_update([0]).chain_update(value);
        HEXLOWER.encode(&mac.finalize().into_bytes())
    }

    fn to_toml(&self) -> Secret<String> {
        let mut text = Secret::new(format!(
            "# fourauth's keys. Whoever reads this file and the database reads every secret in it;\n\
             # whoever loses it loses them. Keep a copy apart from the database's backups.\n\n\
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
    /// The id follows from the key, so that two keys cannot go by one name by accident.
    fn new(master: Secret<[u8; KEY_BYTES]>, created: UnixMillis) -> Self {
        let mut name = [0; 4];
        Hkdf::<Sha256>::new(None, master.expose())
            .expand(b"fourauth key id v1", &mut name)
            .expect("four bytes are within what HKDF can expand");
        Self { id: format!("k{}", HEXLOWER.encode(&name)), created, master }
    }

    pub(crate) const fn master(&self) -> &Secret<[u8; KEY_BYTES]> {
        &self.master
    }

    /// Tells whether it is the same key, and nothing else of it.
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
    fn the_newest_key_is_the_newest_whatever_the_order_in_the_file() {
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
    fn two_keys_of_one_name_are_refused() {
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
    fn a_check_value_is_another_for_another_key() {
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
