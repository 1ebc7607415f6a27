//! The file with the key that receipts are signed with. It is created once and never replaced, and
//! is refused if other users can read it.
//!
//! No data is encrypted with this key. If it is lost, a new one is created, and services that
//! verify receipts need the new public key. `openssl pkey -in receipts.key -pubout` also prints it.

use anyhow::{Context as _, anyhow};
use data_encoding::BASE64;
use fourauth_auth::{entropy, receipt_key::ReceiptKey};
use fourauth_private_file::{self as private_file, Unread};
use fourauth_protocol::secret::Secret;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::{io::ErrorKind, path::Path};

/// The DER prefix of an Ed25519 private key, before its 32 bytes (RFC 8410 §10.3).
const DER: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Largest accepted file, in bytes. A key takes 119.
const MAX_BYTES: u64 = 4096;

/// Reads the key, or creates one if the file is missing. The folder must exist.
///
/// # Errors
///
/// Fails if the file cannot be read or written, holds no key, or is readable by other users.
pub fn load_or_create(path: &Path) -> anyhow::Result<ReceiptKey> {
    if !path.exists() {
        create(path)?;
    }
    load(path)
}

/// Creates the key. If several servers do so at once, all use the same key afterwards.
fn create(path: &Path) -> anyhow::Result<()> {
    match private_file::create(path, new_key().expose().as_bytes(), entropy::bytes()) {
        Ok(()) => tracing::info!(path = %path.display(), "key for receipts created"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
    }
    Ok(())
}

fn load(path: &Path) -> anyhow::Result<ReceiptKey> {
    let shown = path.display();
    let text = private_file::read(path, MAX_BYTES).map_err(|unread| match unread {
        Unread::Exposed { mode } => anyhow!(
            "the key for receipts {shown} can be read by others (mode {mode:03o}): run \
             `chmod 600 {shown}`; if another user may have read it, remove it and give services \
             the new public key"
        ),
        Unread::Io(error) => anyhow!(error).context(format!("cannot read {shown}")),
    })?;
    let document = PrivatePkcs8KeyDer::from_pem_slice(text.expose().as_bytes())
        .map(|document| Secret::new(document.secret_pkcs8_der().to_vec()));
    let key = document.ok().and_then(|document| ReceiptKey::from_pkcs8(&document).ok());
    key.with_context(|| {
        format!("{shown} holds no Ed25519 key: restore it, or remove it to create a new one")
    })
}

/// Generates a key, as PEM.
fn new_key() -> Secret<String> {
    let seed = Secret::new(entropy::bytes::<32>());
    let document = Secret::new([DER.as_slice(), seed.expose()].concat());
    let encoded = Secret::new(BASE64.encode(document.expose()));
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    Secret::new(format!("{begin}\n{}\n{end}\n", encoded.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    #[test]
    fn a_key_is_created_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts.key");
        let made = load_or_create(&path).unwrap().public();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(&path).unwrap().public(), made);
    }

    #[test]
    fn an_exposed_or_invalid_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts.key");
        load_or_create(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");

        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for spoilt in [String::new(), "half".into(), new_key().expose().replace("MC4", "MC5")] {
            fs::write(&path, &spoilt).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("holds no Ed25519 key"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), spoilt);
        }
    }
}
