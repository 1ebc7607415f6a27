//! The signature under the manifest of a backup.
//!
//! Without it, a backup to a recipient can be the work of any person that has the public key.

use crate::{key_file::KeyFileError, keys::LogKeys};
use data_encoding::BASE64;
use fourauth_audit::key::VerifyingKey;
use std::path::Path;

/// First line of the text that is signed. No checkpoint and no erasure begins with it.
const DOMAIN: &str = "fourauth-backup";

/// Signs a manifest with the key of the log in `folder`. Returns base64.
///
/// # Errors
///
/// [`KeyFileError`] if a file is missing, exposed or damaged, or the two do not belong together.
pub fn sign_manifest(folder: &Path, manifest: &str) -> Result<String, KeyFileError> {
    let keys = LogKeys::open(folder)?;
    Ok(BASE64.encode(&keys.sign_text(&text(keys.verifying(), manifest))))
}

/// True if `signature` is that of `key` for this manifest.
#[must_use]
pub fn is_manifest_signed(key: &VerifyingKey, manifest: &str, signature: &str) -> bool {
    let signature = BASE64.decode(signature.as_bytes());
    signature.is_ok_and(|signature| key.is_signed(text(key, manifest).as_bytes(), &signature))
}

fn text(key: &VerifyingKey, manifest: &str) -> String {
    format!("{DOMAIN}\n{}\n{manifest}", key.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Fresh, public_key};
    use fourauth_protocol::secret::Secret;

    fn folder(byte: u8) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let fresh = Fresh { seed: Secret::new([byte; 32]), name: [1; 8] };
        LogKeys::open_or_create(folder.path(), true, &fresh).unwrap();
        folder
    }

    #[test]
    fn only_the_key_of_the_log_signs_its_manifests() {
        let (ours, other) = (folder(7), folder(8));
        let key = public_key(ours.path()).unwrap();
        let signature = sign_manifest(ours.path(), "format = 1\n").unwrap();
        assert!(is_manifest_signed(&key, "format = 1\n", &signature));
        assert!(!is_manifest_signed(&key, "format = 2\n", &signature));
        let by_other = sign_manifest(other.path(), "format = 1\n").unwrap();
        for wrong in [by_other.as_str(), "", "AAAA", "?"] {
            assert!(!is_manifest_signed(&key, "format = 1\n", wrong), "{wrong}");
        }
    }
}
