//! The key pair that signs checkpoints, and the name of the log.
//!
//! `log.key` is PKCS #8 (RFC 8410 §7). `log.vkey` is the public key with the name, in the format of
//! <https://c2sp.org/signed-note>; auditors get this file. Both are created on the first run.

use crate::key_file::{self, KeyFileError};
use data_encoding::{BASE64, HEXLOWER};
use fourauth_audit::{
    checkpoint::Checkpoint,
    epoch::EpochKey,
    erasure::ErasureSigner,
    key::{SIGNATURE, SigningKey, VerifyingKey},
};
use fourauth_protocol::secret::Secret;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::path::Path;

/// File of the private key.
const PRIVATE: &str = "log.key";

/// File of the public key and the name of the log.
const PUBLIC: &str = "log.vkey";

/// Random values for a new log.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Ed25519 secret key (RFC 8032 §5.1.5).
    pub seed: Secret<[u8; 32]>,
    /// Unique part of the log's name.
    pub name: [u8; 8],
}

/// The key pair of a log.
#[derive(Debug)]
pub(crate) struct LogKeys {
    signing: SigningKey,
    verifying: VerifyingKey,
}

impl LogKeys {
    /// Reads both files in `folder`. Creates missing files if `may_create`, which is true until the
    /// log is signed.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file is missing, exposed or damaged, or the two do not belong
    /// together.
    pub(crate) fn open_or_create(
        folder: &Path,
        may_create: bool,
        fresh: &Fresh,
    ) -> Result<Self, KeyFileError> {
        let (private, public) = (folder.join(PRIVATE), folder.join(PUBLIC));
        if may_create {
            key_file::make_folder(folder)?;
            // The private key first. If the start is interrupted here, the next one reuses the key.
            let key = key_file::read_or_create(&private, &to_pem(&fresh.seed, &private)?)?;
            let name = format!("fourauth/{}", HEXLOWER.encode(&fresh.name));
            let vkey = from_pem(&key)
                .and_then(|key| key.verifying_key(&name).ok())
                .ok_or_else(|| KeyFileError::Malformed { path: private.clone() })?;
            if let Err(KeyFileError::Missing { .. }) = public_key(folder) {
                key_file::create(&public, &Secret::new(format!("{vkey}\n")))?;
            }
        }
        Self::open(folder)
    }

    /// Reads both files in `folder`.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file is missing, exposed or damaged, or the two do not belong
    /// together.
    pub(crate) fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let (private, public) = (folder.join(PRIVATE), folder.join(PUBLIC));
        let signing = from_pem(&key_file::read(&private)?)
            .ok_or(KeyFileError::Malformed { path: private })?;
        let verifying = public_key(folder)?;
        if *verifying.public() != signing.public() {
            return Err(KeyFileError::Mismatch { path: public });
        }
        Ok(Self { signing, verifying })
    }

    /// Public key that verifies checkpoints. Its name is their origin.
    #[must_use]
    pub(crate) const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs a text that begins with a line of its own, so that it is no checkpoint.
    pub(crate) fn sign_text(&self, text: &str) -> [u8; SIGNATURE] {
        self.signing.sign(text.as_bytes())
    }

    /// Signs a checkpoint, with the MAC of its epoch.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint, epoch: &EpochKey) -> String {
        checkpoint.sign(&self.signing, Some(epoch))
    }
}

/// Reads the key pair for erasures, which are signed as well.
///
/// # Errors
///
/// [`KeyFileError`] if a file is missing, exposed or damaged, or the two do not belong together.
pub fn erasure_signer(folder: &Path) -> Result<ErasureSigner, KeyFileError> {
    let LogKeys { signing, verifying } = LogKeys::open(folder)?;
    let path = folder.join(PUBLIC);
    ErasureSigner::new(signing, verifying.name()).map_err(|_| KeyFileError::Malformed { path })
}

/// Reads only the public key. It is not secret, so its file may be readable by others.
///
/// # Errors
///
/// [`KeyFileError`] if the file is missing or damaged.
pub fn public_key(folder: &Path) -> Result<VerifyingKey, KeyFileError> {
    let path = folder.join(PUBLIC);
    let text = key_file::read_public(&path)?;
    VerifyingKey::parse(text.trim_end()).map_err(|_| KeyFileError::Malformed { path })
}

fn to_pem(seed: &Secret<[u8; 32]>, path: &Path) -> Result<Secret<String>, KeyFileError> {
    let der = SigningKey::from_seed(seed.expose()).and_then(|key| key.to_pkcs8());
    let der = der.map_err(|_| KeyFileError::Malformed { path: path.to_owned() })?;
    let encoded = Secret::new(BASE64.encode(&der));
    // `der` has 48 bytes, so the base64 is one line of 64 characters (RFC 7468 §2).
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
    fn keys_are_created_once_and_read_back() {
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
    fn the_private_key_is_standard_pkcs8_in_pem() {
        let (folder, _keys) = made();
        let text = fs::read_to_string(folder.path().join(PRIVATE)).unwrap();
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 25]);
        // RFC 8410 §10.3: the fixed 16 bytes before a secret key.
        assert!(text.contains("\nMC4CAQAwBQYDK2VwBCIE"));
    }

    #[test]
    fn no_key_is_created_once_the_log_was_signed() {
        for file in [PRIVATE, PUBLIC] {
            let (folder, _keys) = made();
            fs::remove_file(folder.path().join(file)).unwrap();
            let error = LogKeys::open_or_create(folder.path(), false, &fresh(8)).unwrap_err();
            assert!(matches!(error, KeyFileError::Missing { .. }));
            assert!(error.to_string().contains("restore the file"));
            assert!(!folder.path().join(file).exists());
        }
    }

    #[test]
    fn an_interrupted_first_run_reuses_the_private_key() {
        let (folder, keys) = made();
        fs::remove_file(folder.path().join(PUBLIC)).unwrap();
        let again = LogKeys::open_or_create(folder.path(), true, &fresh(8)).unwrap();
        assert_eq!(again.verifying().public(), keys.verifying().public());
        assert_eq!(again.verifying().name(), "fourauth/0808080808080808");
    }

    #[test]
    fn a_private_key_that_others_can_read_is_refused() {
        let (folder, _keys) = made();
        fs::set_permissions(folder.path().join(PRIVATE), Permissions::from_mode(0o644)).unwrap();
        let error = LogKeys::open_or_create(folder.path(), false, &fresh(8)).unwrap_err();
        assert!(matches!(error, KeyFileError::Exposed { mode: 0o644, .. }));
        assert!(error.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_public_key_of_another_pair_is_refused() {
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
    fn a_damaged_key_file_is_refused() {
        for file in [PRIVATE, PUBLIC] {
            let (folder, _keys) = made();
            fs::write(folder.path().join(file), "half").unwrap();
            let error = LogKeys::open_or_create(folder.path(), true, &fresh(8)).unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{file}");
        }
    }
}
