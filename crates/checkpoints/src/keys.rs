//! The key that signs checkpoints, and the name of the log that it speaks for.
//!
//! `log.key` is PKCS #8 (RFC 8410 §7) and `log.vkey` the public half with the name, as
//! <https://c2sp.org/signed-note> writes it: what an auditor gets. Both are made on the first run.

use crate::key_file::{self, KeyFileError};
use data_encoding::{BASE64, HEXLOWER};
use fourauth_audit::{
    checkpoint::Checkpoint,
    epoch::EpochKey,
    key::{SigningKey, VerifyingKey},
};
use fourauth_protocol::secret::Secret;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::path::Path;

/// The private key.
const PRIVATE: &str = "log.key";

/// The public key, and the name of the log.
const PUBLIC: &str = "log.vkey";

/// What a new log is made of.
#[derive(Debug)]
pub struct Fresh {
    /// The secret key of RFC 8032 §5.1.5.
    pub seed: Secret<[u8; 32]>,
    /// What tells the log from all others.
    pub name: [u8; 8],
}

/// The key pair of a log.
#[derive(Debug)]
pub struct LogKeys {
    signing: SigningKey,
    verifying: VerifyingKey,
}

impl LogKeys {
    /// Reads both files in `folder`. Those that are missing are made if `may_create`, which holds
    /// as long as nothing was signed.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`].
    pub fn open_or_create(
        folder: &Path,
        may_create: bool,
        fresh: &Fresh,
    ) -> Result<Self, KeyFileError> {
        let (private, public) = (folder.join(PRIVATE), folder.join(PUBLIC));
        if may_create {
            key_file::make_folder(folder)?;
            // The private key first: one that a start was interrupted after is as good as another.
            let key = key_file::read_or_create(&private, &to_pem(&fresh.seed, &private)?)?;
            let name = format!("fourauth/{}", HEXLOWER.encode(&fresh.name));
            let vkey = from_pem(&key)
                .and_then(|key| key.verifying_key(&name).ok())
                .ok_or_else(|| KeyFileError::Malformed { path: private.clone() })?;
            if let Err(KeyFileError::Missing { .. }) = public_key(folder) {
                key_file::create(&public, &Secret::new(format!("{vkey}\n")))?;
            }
        }
        let signing = from_pem(&key_file::read(&private)?)
            .ok_or(KeyFileError::Malformed { path: private })?;
        let verifying = public_key(folder)?;
        if *verifying.public() != signing.public() {
            return Err(KeyFileError::Mismatch { path: public });
        }
        Ok(Self { signing, verifying })
    }

    /// What others check checkpoints with. Its name is their origin.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs a checkpoint, with the MAC of its epoch.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint, epoch: &EpochKey) -> String {
        checkpoint.sign(&self.signing, Some(epoch))
    }
}

/// Reads the public half alone, which is no secret: whoever may read it may.
///
/// # Errors
///
/// [`KeyFileError`].
pub fn public_key(folder: &Path) -> Result<VerifyingKey, KeyFileError> {
    let path = folder.join(PUBLIC);
    let text = key_file::read_public(&path)?;
    VerifyingKey::parse(text.trim_end()).map_err(|_| KeyFileError::Malformed { path })
}

fn to_pem(seed: &Secret<[u8; 32]>, path: &Path) -> Result<Secret<String>, KeyFileError> {
    let der = SigningKey::from_seed(seed.expose()).and_then(|key| key.to_pkcs8());
    let der = der.map_err(|_| KeyFileError::Malformed { path: path.to_owned() })?;
    let encoded = Secret::new(BASE64.encode(&der));
    // 48 bytes, so that the one line of base64 has the 64 characters of RFC 7468 §2.
    let text =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encoded.expose());
    Ok(Secret::new(text))
}

fn from_pem(text: &Secret<String>) -> Option<SigningKey> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(text.expose().as_bytes()).ok()?;
    SigningKey::from_pkcs8(der.secret_pkcs8_der()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    fn fresh(byte: u8) -> Fresh {
        Fresh { seed: Secret::new([byte; 32]), name: [byte; 8] }
    }

    fn made() -> (tempfile::TempDir, LogKeys) {
        let folder = tempfile::tempdir().unwrap();
        let keys = LogKeys::open_or_create(folder.path(), true, &fresh(7)).unwrap();
        (folder, keys)
    }

    #[test]
    fn keys_are_made_once_and_read_back() {
        let (folder, keys) = made();
        assert_eq!(keys.verifying().name(), "fourauth/0707070707070707");
        for may_create in [true, false] {
            let again = LogKeys::open_or_create(folder.path(), may_create, &fresh(8)).unwrap();
            assert_eq!(again.verifying(), keys.verifying());
        }
        let mode = fs::metadata(folder.path().join(PRIVATE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_private_key_is_one_that_other_programs_read() {
        let (folder, _keys) = made();
        let text = fs::read_to_string(folder.path().join(PRIVATE)).unwrap();
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 25]);
        // RFC 8410 §10.3: the only 16 bytes that precede a secret key.
        assert!(text.contains("\nMC4CAQAwBQYDK2VwBCIE"));
    }

    #[test]
    fn once_something_was_signed_no_key_is_made() {
        for file in [PRIVATE, PUBLIC] {
            let (folder, _keys) = made();
            fs::remove_file(folder.path().join(file)).unwrap();
            let error = LogKeys::open_or_create(folder.path(), false, &fresh(8)).unwrap_err();
            assert!(matches!(error, KeyFileError::Missing { .. }));
            assert!(error.to_string().contains("put the file back"));
            assert!(!folder.path().join(file).exists());
        }
    }

    #[test]
    fn an_interrupted_first_run_is_finished_with_the_key_that_is_there() {
        let (folder, keys) = made();
        fs::remove_file(folder.path().join(PUBLIC)).unwrap();
        let again = LogKeys::open_or_create(folder.path(), true, &fresh(8)).unwrap();
        assert_eq!(again.verifying().public(), keys.verifying().public());
        assert_eq!(again.verifying().name(), "fourauth/0808080808080808");
    }

    #[test]
    fn a_private_key_that_others_can_read_is_refused_with_what_to_do() {
        let (folder, _keys) = made();
        fs::set_permissions(folder.path().join(PRIVATE), Permissions::from_mode(0o644)).unwrap();
        let error = LogKeys::open_or_create(folder.path(), false, &fresh(8)).unwrap_err();
        assert!(matches!(error, KeyFileError::Exposed { mode: 0o644, .. }));
        assert!(error.to_string().contains("chmod 600"));
    }

    #[test]
    fn halves_of_two_keys_are_refused() {
        let (folder, _keys) = made();
        let (other, _others) = {
            let folder = tempfile::tempdir().unwrap();
            let keys = LogKeys::open_or_create(folder.path(), true, &fresh(8)).unwrap();
            (folder, keys)
        };
        fs::copy(other.path().join(PUBLIC), folder.path().join(PUBLIC)).unwrap();
        let error = LogKeys::open_or_create(folder.path(), false, &fresh(9)).unwrap_err();
        assert!(matches!(error, KeyFileError::Mismatch { .. }));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for file in [PRIVATE, PUBLIC] {
            let (folder, _keys) = made();
            fs::write(folder.path().join(file), "half").unwrap();
            let error = LogKeys::open_or_create(folder.path(), true, &fresh(8)).unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{file}");
        }
    }
}
