//! Sealing: encrypts a secret for the one place where it is stored.
//!
//! The stored form is `v1.<key id>.<Fernet token>`. Each value has its own key, derived (RFC 5869)
//! from a key of the keyring and the value's place. A value that is copied to another row or column
//! does not open. <https://github.com/fernet/spec/blob/master/Spec.md>
//!
//! This module opens only values that this store wrote; no token from a peer reaches Fernet. The
//! choice of the sealing key is in [`sealing`](crate::keys::sealing).

use crate::keys::keyring::{Key, Keyring, KeyringError};
use arc_swap::ArcSwap;
use data_encoding::BASE64URL;
use fernet::Fernet;
use fourauth_protocol::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Label of the key derivation, so that another use of the same key derives other bytes.
const PURPOSE: &[u8] = b"fourauth seal v1";

/// Time in seconds that is used to create and to open every token.
///
/// Fernet refuses tokens from the future, so a token with the true time would not open after the
/// system clock is set back. The age of a sealed value does not matter.
const NO_TIME: u64 = 0;

/// The place where a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealContext {
    pub(crate) table: &'static str,
    /// Id of the account that owns the value.
    pub(crate) row: i64,
    pub(crate) column: &'static str,
}

/// Seals with one key.
#[derive(Clone)]
pub(crate) struct Seal(Arc<Key>);

impl Seal {
    pub(crate) const fn new(key: Arc<Key>) -> Self {
        Self(key)
    }

    /// The prefix that only values of this key have.
    pub(crate) fn mark(&self) -> String {
        mark(&self.0.id)
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// Encrypts `value` for `place`.
    pub(crate) fn seal(&self, place: SealContext, value: &[u8]) -> String {
        let token = fernet_for(&self.0, place).encrypt_at_time(value, NO_TIME);
        format!("{}{token}", self.mark())
    }
}

/// The prefix of every value that the key with this id sealed.
pub(crate) fn mark(id: &str) -> String {
    format!("v1.{id}.")
}

/// Opens values with the keys of a keyring. The keyring can be replaced by a newer version.
pub(crate) struct Sealer {
    keyring: ArcSwap<Keyring>,
    /// The keys that the database knew when it was last asked.
    known: ArcSwap<Vec<String>>,
    opened: AtomicU64,
}

impl Sealer {
    pub(crate) fn new(keyring: Arc<Keyring>) -> Self {
        let (known, opened) = (ArcSwap::default(), AtomicU64::new(0));
        Self { keyring: ArcSwap::new(keyring), known, opened }
    }

    /// The keys in use.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// The keyring in the file, if the file was replaced since it was read.
    pub(crate) fn replacement(&self) -> Result<Option<Keyring>, KeyringError> {
        self.keyring().read_again()
    }

    /// Replaces the keyring.
    pub(crate) fn adopt(&self, keyring: Arc<Keyring>) {
        self.keyring.store(keyring);
    }

    /// Records which keys the database knows.
    pub(crate) fn note_known(&self, known: Vec<String>) {
        self.known.store(Arc::new(known));
    }

    /// The keys of grants. The first one makes grants, and all of them check.
    pub(crate) fn grant_keys(&self) -> Vec<Secret<[u8; 32]>> {
        self.derived(Key::grant_key)
    }

    /// The seeds of the key pairs that sign tokens. The first one signs, and all of them verify.
    pub(crate) fn jwt_seeds(&self) -> Vec<Secret<[u8; 32]>> {
        self.derived(Key::jwt_seed)
    }

    /// What is derived from each key, first from the newest key that the database knows, because all of
    /// its servers have that key. The file is read too: another process may have added a key and may
    /// already use it.
    fn derived(&self, derive: fn(&Key) -> Secret<[u8; 32]>) -> Vec<Secret<[u8; 32]>> {
        let held = self.keyring();
        let file = held.read_again().ok().flatten();
        let maker = held.newest_of(&self.known.load()).unwrap_or(&held.keys()[0]);
        let in_file = file.iter().flat_map(Keyring::keys).filter(|key| held.key(&key.id).is_none());
        let others = held.keys().iter().filter(|key| key.id != maker.id).chain(in_file);
        std::iter::once(maker).chain(others).map(|key| derive(key)).collect()
    }

    /// The newest key named in `known`, from the keyring in use or from its file.
    pub(crate) fn newest_of(&self, known: &[String]) -> Option<Seal> {
        self.note_known(known.to_vec());
        let held = self.keyring();
        let newest = held.newest_of(known).cloned();
        let later = if known.iter().all(|id| held.key(id).is_some()) {
            None
        } else {
            // The file may belong to another database, so only known keys are taken from it.
            let replacement = held.read_again().ok().flatten();
            replacement.and_then(|keyring| keyring.newest_of(known).cloned())
        };
        later.or(newest).map(Seal::new)
    }

    /// Opens a value that a [`Seal`] with any key of the keyring made for the same place.
    pub(crate) fn open(
        &self,
        place: SealContext,
        envelope: &str,
    ) -> Result<Secret<Vec<u8>>, OpenFailed> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (id, token) =
            envelope.strip_prefix("v1.").and_then(|rest| rest.split_once('.')).ok_or(OpenFailed)?;
        let key = self.key(id).ok_or(OpenFailed)?;
        let opened = fernet_for(&key, place).decrypt_at_time(token, None, NO_TIME);
        opened.map(Secret::new).map_err(|_| OpenFailed)
    }

    /// Looks for a key, also in the file: another process may have added it and may already seal
    /// with it. An unchanged file is not read again.
    fn key(&self, id: &str) -> Option<Arc<Key>> {
        let held = self.keyring();
        held.key(id).cloned().or_else(|| held.read_again().ok()??.key(id).cloned())
    }

    /// Number of attempts to open a value so far.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
}

/// Fernet key of a place. Each part is preceded by its length, so that encodings are unique.
fn fernet_for(key: &Key, place: SealContext) -> Fernet {
    let row = place.row.to_be_bytes();
    let mut info = PURPOSE.to_vec();
    for part in [key.id.as_bytes(), place.table.as_bytes(), &row, place.column.as_bytes()] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key.master().expose())
        .expand(&info, &mut derived)
        .expect("32 bytes are within the output limit of HKDF");
    let derived = Secret::new(derived);
    let text = Secret::new(BASE64URL.encode(derived.expose()));
    Fernet::new(text.expose()).expect("32 bytes in URL-safe base64 are a Fernet key")
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keyring().fmt(f)
    }
}

/// The text was not sealed for this place with a key of this keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenFailed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::keyring::{KEY_BYTES, KeyringLock, RANDOM_BYTES};
    use fourauth_protocol::time::UnixMillis;
    use proptest::prelude::*;

    const HOME: SealContext = SealContext { table: "users", row: 7, column: "totp_secret_enc" };

    fn sealer(byte: u8) -> Sealer {
        let random = Secret::new([byte; RANDOM_BYTES]);
        Sealer::new(Arc::new(Keyring::generate(&random, UnixMillis(0))))
    }

    /// Seals with the only key.
    fn sealed(sealer: &Sealer, place: SealContext, value: &[u8]) -> String {
        Seal::new(Arc::clone(sealer.keyring().newest())).seal(place, value)
    }

    fn id(sealer: &Sealer) -> String {
        sealer.keyring().newest().id.clone()
    }

    fn opened(sealer: &Sealer, place: SealContext, envelope: &str) -> Option<Vec<u8>> {
        sealer.open(place, envelope).ok().map(|value| value.expose().clone())
    }

    #[test]
    fn sealing_a_value_twice_gives_two_texts() {
        let sealer = sealer(1);
        assert_ne!(sealed(&sealer, HOME, b"secret"), sealed(&sealer, HOME, b"secret"));
    }

    #[test]
    fn a_value_of_another_key_with_the_same_name_does_not_open() {
        let [mine, other] = [1, 2].map(sealer);
        let envelope = sealed(&other, HOME, b"secret");
        assert_eq!(opened(&mine, HOME, &envelope), None);
        let renamed = envelope.replace(&id(&other), &id(&mine));
        assert_eq!(opened(&mine, HOME, &renamed), None);
    }

    #[test]
    fn a_key_added_to_the_file_opens_at_once_and_seals_if_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let random = Secret::new([1; RANDOM_BYTES]);
        let keyring = Arc::new(Keyring::create(&path, &random, UnixMillis(0)).unwrap());
        let (running, old) = (Sealer::new(Arc::clone(&keyring)), keyring.newest().id.clone());
        let lock = KeyringLock::take(&path).unwrap();
        let new = lock.add(Secret::new([2; KEY_BYTES]), UnixMillis(0)).unwrap();

        let elsewhere = Sealer::new(Arc::new(Keyring::load(&path).unwrap()));
        let envelope = sealed(&elsewhere, HOME, b"secret");
        assert!(envelope.starts_with(&mark(&new)));
        assert_eq!(opened(&running, HOME, &envelope).as_deref(), Some(&b"secret"[..]));
        let newest_of = |known: &[&String]| {
            let known: Vec<String> = known.iter().map(|id| (*id).clone()).collect();
            running.newest_of(&known).map(|seal| seal.id().to_owned())
        };
        assert_eq!(newest_of(&[&old]).as_ref(), Some(&old));
        assert_eq!(newest_of(&[&old, &new]).as_ref(), Some(&new));
        assert_eq!(newest_of(&[]), None);

        let grant_keys = |known: &[&String]| {
            running.note_known(known.iter().map(|id| (*id).clone()).collect());
            let keys = running.grant_keys();
            keys.iter().map(|key| *key.expose()).collect::<Vec<_>>()
        };
        let of = |id: &String| *elsewhere.keyring().key(id).unwrap().grant_key().expose();
        for known in [&[][..], &[&old]] {
            assert_eq!(grant_keys(known), [of(&old), of(&new)], "no grant is made with a new key");
        }

        running.adopt(Arc::new(running.replacement().unwrap().unwrap()));
        assert!(running.replacement().unwrap().is_none());
        assert_eq!(grant_keys(&[&old]), [of(&old), of(&new)]);
        assert_eq!(grant_keys(&[&old, &new]), [of(&new), of(&old)]);
        lock.remove(&old).unwrap();
        assert_eq!(
            newest_of(&[&old]).as_ref(),
            Some(&old),
            "the keyring in use stays until adopted"
        );
    }

    #[test]
    fn opening_does_not_depend_on_the_clock() {
        let sealer = sealer(1);
        let fernet = fernet_for(sealer.keyring().newest(), HOME);
        let token = sealed(&sealer, HOME, b"secret").rsplit('.').next().unwrap().to_owned();
        // Also with the plain call, on a machine with its clock set back to 1970.
        assert!(fernet.decrypt_at_time(&token, None, 0).is_ok());
        assert!(fernet.decrypt_at_time(&token, None, 4_000_000_000).is_ok());
        // The control: a token with its true time is refused after the clock is set back.
        let dated = fernet.encrypt_at_time(b"secret", 1_740_830_400);
        assert!(fernet.decrypt_at_time(&dated, None, 1_740_830_000).is_err());
    }

    #[test]
    fn a_hostile_timestamp_is_refused_without_panic() {
        let sealer = sealer(1);
        let mut token = [0xff; 73];
        token[0] = 0x80;
        let envelope = format!("{}{}", mark(&id(&sealer)), BASE64URL.encode(&token));
        assert_eq!(opened(&sealer, HOME, &envelope), None);
    }

    proptest! {
        #[test]
        fn a_value_opens_only_in_its_place(
            value in prop::collection::vec(any::<u8>(), 0..300),
            row in any::<i64>(),
            other in any::<i64>(),
        ) {
            prop_assume!(row != other);
            let sealer = sealer(1);
            let home = SealContext { row, ..HOME };
            let envelope = sealed(&sealer, home, &value);
            prop_assert_eq!(opened(&sealer, home, &envelope), Some(value));
            for place in [
                SealContext { row: other, ..home },
                SealContext { column: "face_template_enc", ..home },
                SealContext { table: "devices", ..home },
            ] {
                prop_assert_eq!(opened(&sealer, place, &envelope), None);
            }
        }

        #[test]
        fn a_damaged_envelope_is_refused(cut in 0_usize..200, at in 0_usize..200, to in any::<char>()) {
            let sealer = sealer(1);
            let whole = sealed(&sealer, HOME, b"JBSWY3DPEHPK3PXP");
            let padding = whole.trim_end_matches('=').len();
            if cut < padding {
                prop_assert_eq!(opened(&sealer, HOME, &whole[..cut]), None);
            }
            let mut changed: Vec<char> = whole.chars().collect();
            if at < padding && changed[at] != to {
                changed[at] = to;
                let changed: String = changed.into_iter().collect();
                prop_assert_eq!(opened(&sealer, HOME, &changed), None);
            }
        }

        #[test]
        fn opening_never_panics(text in "\\PC{0,120}", token in "[A-Za-z0-9_=-]{0,160}") {
            let sealer = sealer(1);
            prop_assert_eq!(opened(&sealer, HOME, &text), None);
            let envelope = format!("{}{token}", mark(&id(&sealer)));
            prop_assert_eq!(opened(&sealer, HOME, &envelope), None);
        }
    }
}
