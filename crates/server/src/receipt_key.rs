//! The file with the key that receipts are signed with. It is created once and never replaced, and
//! is refused if other users can read it.
//!
//! No data is encrypted with this key. If it is lost, a new one is created, and services that
//! verify receipts need the new public key. `openssl pkey -in receipts.key -pubout` also prints it.

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{error::KeyRejected, signature::Ed25519KeyPair};
use data_encoding::BASE64;
use fourauth_auth::{entropy, receipt_key::ReceiptKey};
use fourauth_private_file::{self as private_file, Unread};
use fourauth_protocol::secret::Secret;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::{io::ErrorKind, path::Path};

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
    match private_file::create(path, new_key()?.expose().as_bytes(), entropy::bytes()) {
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

/// Generates a key, as PEM of PKCS#8 version 1 (RFC 8410 §7).
fn new_key() -> anyhow::Result<Secret<String>> {
    to_pem(&Secret::new(entropy::bytes::<32>())).context("cannot encode the key for receipts")
}

fn to_pem(seed: &Secret<[u8; 32]>) -> Result<Secret<String>, KeyRejected> {
    let document = Ed25519KeyPair::from_seed_unchecked(seed.expose())?.to_pkcs8v1()?;
    let encoded = Secret::new(BASE64.encode(document.as_ref()));
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    Ok(Secret::new(format!("{begin}\n{}\n{end}\n", encoded.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
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
    fn a_stored_key_is_read_and_written_as_in_rfc_8410() {
        // RFC 8410 §10.3, and the form that every earlier version wrote.
        const SEED: &[u8] = b"d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
        const STORED: &str = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            -----END PRIVATE KEY-----\n";

        let seed = HEXLOWER.decode(SEED).unwrap().try_into().unwrap();
        assert_eq!(to_pem(&Secret::new(seed)).unwrap().expose(), STORED);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts.key");
        fs::write(&path, STORED).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let public = load_or_create(&path).unwrap().public();
        assert_eq!(public.to_string(), "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
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
        for spoilt in
            [String::new(), "half".into(), new_key().unwrap().expose().replace("MC4", "MC5")]
        {
            fs::write(&path, &spoilt).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("holds no Ed25519 key"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), spoilt);
        }
    }
}
