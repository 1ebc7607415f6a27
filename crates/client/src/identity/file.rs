//! The file of a device's key: PKCS#8 (RFC 8410 §7), readable by its owner only.
//!
//! `openssl pkey -in device.key -pubout` reads it. The output of
//! `openssl genpkey -algorithm ed25519` is accepted here.

use super::Identity;
use crate::entropy;
use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::BASE64;
use fourauth_private_file::{self as private_file, Suffix, Unread};
use fourauth_protocol::secret::Secret;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::{
    io,
    path::{Path, PathBuf},
};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Longest file that is read, in bytes. A key takes 119.
const MAX_FILE: u64 = 1024;

impl Identity {
    /// Reads an identity from a file.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]; [`IdentityError::Exposed`] if other users have access to the file.
    pub fn load(path: &Path) -> Result<Self, IdentityError> {
        let text = private_file::read(path, MAX_FILE).map_err(|unread| match unread {
            Unread::Exposed { .. } => IdentityError::Exposed { path: path.to_owned() },
            Unread::Io(error) => failed(path)(error),
        })?;
        let pair = from_pem(&text).ok_or_else(|| IdentityError::NotAKey { path: path.to_owned() });
        Ok(Self::from_pair(pair?))
    }

    /// Writes a new file that only its owner can read, and waits until it is on disk. Creates
    /// missing folders, accessible to their owner only.
    ///
    /// # Errors
    ///
    /// [`IdentityError::File`]. An existing file is never replaced.
    pub fn save(&self, path: &Path) -> Result<(), IdentityError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        private_file::create_folder(folder).map_err(failed(folder))?;
        let mut suffix = Suffix::default();
        entropy::fill(&mut suffix).map_err(|_| IdentityError::NoRandomness)?;
        to_pem(&self.pair)
            .and_then(|text| private_file::create_own(path, text.expose().as_bytes(), suffix))
            .map_err(failed(path))
    }

    /// Reads the file, or generates an identity and writes it if the file does not exist. Several
    /// programs that do so at the same time get the same identity.
    ///
    /// # Errors
    ///
    /// Those of [`Identity::load`], [`Identity::generate`] and [`Identity::save`].
    pub fn load_or_create(path: &Path) -> Result<Self, IdentityError> {
        match Self::load(path) {
            Err(error) if error.is(io::ErrorKind::NotFound) => {}
            loaded => return loaded,
        }
        let identity = Self::generate()?;
        match identity.save(path) {
            Err(error) if error.is(io::ErrorKind::AlreadyExists) => Self::load(path),
            saved => saved.map(|()| identity),
        }
    }
}

/// PKCS#8 version 1. Its 48 bytes are one line of 64 characters of base64 (RFC 7468 §2).
fn to_pem(pair: &Ed25519KeyPair) -> io::Result<Secret<String>> {
    let der = pair.to_pkcs8v1().map_err(io::Error::other)?;
    let encoded = Secret::new(BASE64.encode(der.as_ref()));
    Ok(Secret::new(format!("{BEGIN}\n{}\n{END}\n", encoded.expose())))
}

fn from_pem(text: &Secret<String>) -> Option<Ed25519KeyPair> {
    let text = on_lines(text.expose())?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(text.expose().as_bytes()).ok()?;
    let der = Secret::new(der.secret_pkcs8_der().to_vec());
    Ed25519KeyPair::from_pkcs8(der.expose()).ok()
}

/// The key with BEGIN, base64 and END on a line each. A key from an environment variable or an
/// indented document often has other white space.
fn on_lines(text: &str) -> Option<Secret<String>> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (base64, _) = rest.split_once(END)?;
    let mut key = String::with_capacity(text.len() + 2);
    key.push_str(BEGIN);
    key.push('\n');
    key.extend(base64.chars().filter(|c| !c.is_whitespace()));
    key.push('\n');
    key.push_str(END);
    Some(Secret::new(key))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> IdentityError {
    move |reason| IdentityError::File { path: path.to_owned(), reason }
}

/// Why the key of this device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// Other users have access to the file. Make it private with `chmod 600`, or replace the key if
    /// it may have been read.
    #[error("{}: other users can read this key; make it private with chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file does not contain an Ed25519 key.
    #[error("{}: not an Ed25519 key in PKCS#8 form", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The operating system provides no random bytes.
    #[error("the operating system provides no random bytes")]
    NoRandomness,
}

impl IdentityError {
    fn is(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::File { reason, .. } if reason.kind() == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        sync::Barrier,
        thread,
    };

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_file_is_private_and_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/device.key");
        let made = Identity::load_or_create(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(Identity::load_or_create(&path).unwrap().key(), made.key());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a draft is left");
    }

    #[test]
    fn an_existing_key_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        let first = Identity::load_or_create(&path).unwrap();
        let error = Identity::generate().unwrap().save(&path).unwrap_err();
        assert!(error.is(io::ErrorKind::AlreadyExists), "{error}");
        assert_eq!(Identity::load(&path).unwrap().key(), first.key());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft is left");
    }

    #[test]
    fn a_key_that_other_users_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        Identity::load_or_create(&path).unwrap();
        for exposed in [0o640, 0o604, 0o660, 0o601] {
            set_mode(&path, exposed);
            let error = Identity::load_or_create(&path).unwrap_err();
            assert!(matches!(error, IdentityError::Exposed { .. }), "{exposed:o}: {error}");
        }
        set_mode(&path, 0o400);
        assert!(Identity::load(&path).is_ok());
    }

    /// RFC 8410 §10.3, and the form that every earlier version wrote.
    const STORED: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let other_curve = STORED.replace("K2Vw", "K2Vu"); // X25519.
        for (index, text) in
            ["", "hello", &STORED[..60], &STORED[28..], &other_curve].into_iter().enumerate()
        {
            let path = put(folder.path(), &index.to_string(), text);
            let error = Identity::load_or_create(&path).unwrap_err();
            assert!(matches!(error, IdentityError::NotAKey { .. }), "{text:?}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_stored_key_is_read_and_written_as_in_rfc_8410() {
        let folder = tempfile::tempdir().unwrap();
        let one_line = STORED.replace('\n', " ");
        let joined = STORED.replace('\n', "");
        let indented = STORED.replace('\n', "\n    ");
        let crlf = STORED.replace('\n', "\r\n");
        let spaced = format!("\n {STORED}\n");
        for text in [STORED, &crlf, &spaced, &one_line, &joined, &indented] {
            let identity = Identity::load(&put(folder.path(), "stored", text)).unwrap();
            let key = BASE64.encode(identity.key().as_bytes());
            assert_eq!(key, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", "{text:?}");
            let copy = folder.path().join("copy");
            identity.save(&copy).unwrap();
            assert_eq!(fs::read_to_string(&copy).unwrap(), STORED);
            fs::remove_file(&copy).unwrap();
        }
    }

    #[test]
    fn programs_that_start_together_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        let start = Barrier::new(8);
        let keys: Vec<_> = thread::scope(|scope| {
            let make = || {
                start.wait();
                Identity::load_or_create(&path).unwrap().key()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
