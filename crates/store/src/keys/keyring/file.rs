//! Reads the keyring file, if only its owner can read it. Changes are in [`change`](super::change).

use super::{Key, Keyring, PEPPER};
use crate::entropy;
use data_encoding::BASE64;
use fourauth_private_file::{self as private_file, OTHERS};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use serde::Deserialize;
use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Largest file that is read, in bytes: several hundred keys.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// An unusable keyring file. The messages never quote its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no keyring file.
    #[error(
        "there is no keyring at {}: if the database already holds accounts, put its keyring file \
         back there; a new keyring cannot open the stored secrets", path.display()
    )]
    Missing {
        /// Expected path.
        path: PathBuf,
    },
    /// There is already a keyring file.
    #[error("there is a keyring at {} already, and it is never replaced", path.display())]
    Exists {
        /// Path of the file.
        path: PathBuf,
    },
    /// Users other than the owner may read or write it.
    #[error(
        "the keyring {} can be read by others (mode {mode:03o}): run `chmod 600 {}`, and if \
         it may have been read, rotate the keys", path.display(), path.display()
    )]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a valid keyring.
    #[error(
        "the keyring {} cannot be understood at line {line}: restore it from a backup; do not make \
         a new one while the database holds accounts", path.display()
    )]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// Line of the error, from 1; 0 if the error is not in one line.
        line: usize,
    },
    /// Another command is changing it.
    #[error("another command is changing the keyring {}: wait until it ends", path.display())]
    Locked {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file has no room for another key.
    #[error(
        "the keyring {} is full: retire the keys that no longer seal anything", path.display()
    )]
    Full {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the keyring {} cannot be used: {kind}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        kind: ErrorKind,
    },
}

/// Writes `text` to a new file and syncs the file and its folder.
pub(super) fn create(path: &Path, text: &Secret<String>) -> Result<(), KeyringError> {
    private_file::create(path, text.expose().as_bytes(), entropy::bytes()).map_err(|error| {
        match error.kind() {
            ErrorKind::AlreadyExists => KeyringError::Exists { path: path.to_owned() },
            kind => KeyringError::Io { path: path.to_owned(), kind },
        }
    })
}

/// Identity of a file when it was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    stamp: Stamp,
}

/// Differs between a file and its replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Source {
    /// True if the file was replaced or removed.
    pub(super) fn has_changed(&self) -> bool {
        fs::metadata(&self.path).map(|there| Stamp::of(&there)).ok() != Some(self.stamp)
    }
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        }
    }
}

/// Reads a file that only its owner can read. Permissions are checked on the opened file, so that
/// it cannot be swapped between the check and the read.
pub(super) fn read(path: &Path) -> Result<(Secret<String>, Source), KeyringError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => KeyringError::Missing { path: path.to_owned() },
        kind => KeyringError::Io { path: path.to_owned(), kind },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyringError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::with_capacity(4096);
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    fourauth_text_file::drop_mark(&mut text);
    let text = Secret::new(text);
    read.map_err(failed)?;
    Ok((text, Source { path: path.to_owned(), stamp: Stamp::of(&metadata) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pepper: Secret<String>,
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    created_utc: UnixMillis,
    master: Secret<String>,
}

/// Parses a keyring. `Err` is the line of the error; the parser's own message would quote the line.
pub(super) fn parse(text: &Secret<String>) -> Result<Keyring, usize> {
    let text = text.expose();
    let document: Document = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        before.map_or(0, |before| 1 + before.matches('\n').count())
    })?;
    let pepper = secret_bytes(&document.pepper).ok_or(0_usize)?;
    let keys: Option<Vec<Key>> = document.key.into_iter().map(Entry::into_key).collect();
    keys.and_then(|keys| Keyring::from_parts(pepper, keys)).ok_or(0)
}

impl Entry {
    fn into_key(self) -> Option<Key> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let named = (1..=32).contains(&self.id.len()) && self.id.bytes().all(plain);
        let master = secret_bytes(&self.master).filter(|_| named && self.id != PEPPER)?;
        Some(Key { id: self.id, created: self.created_utc, master })
    }
}

fn secret_bytes(text: &Secret<String>) -> Option<Secret<[u8; 32]>> {
    let bytes = Secret::new(BASE64.decode(text.expose().as_bytes()).ok()?);
    bytes.expose().as_slice().try_into().ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::keyring::RANDOM_BYTES;
    use std::fs::Permissions;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);

    fn random() -> Secret<[u8; RANDOM_BYTES]> {
        Secret::new(std::array::from_fn(|index| u8::try_from(index).unwrap()))
    }

    #[test]
    fn a_keyring_is_created_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");

        let made = Keyring::create(&path, &random(), NOW).unwrap();
        let read = Keyring::load(&path).unwrap();

        assert_eq!(read.pepper().expose(), made.pepper().expose());
        assert!(read.checks().eq(made.checks()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Keyring::create(&path, &random(), NOW);
        assert_eq!(again.err(), Some(KeyringError::Exists { path }));
    }

    #[test]
    fn the_message_for_an_exposed_keyring_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        Keyring::create(&path, &random(), NOW).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = Keyring::load(&path).err().unwrap();
            assert_eq!(error, KeyringError::Exposed { path: path.clone(), mode });
            assert!(error.to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn loading_a_missing_keyring_does_not_create_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let missing = KeyringError::Missing { path: path.clone() };
        assert_eq!(Keyring::load(&path).err(), Some(missing));
        assert!(!path.exists());
    }

    #[test]
    fn only_a_replaced_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let keyring = Keyring::create(&path, &random(), NOW).unwrap();
        assert!(keyring.read_again().unwrap().is_none());

        let same = fs::read(&path).unwrap();
        private_file::replace(&path, &same, [0; 8]).unwrap();
        let again = keyring.read_again().unwrap().unwrap();
        assert!(again.checks().eq(keyring.checks()));
        assert!(again.read_again().unwrap().is_none());

        fs::remove_file(&path).unwrap();
        assert_eq!(again.read_again().err(), Some(KeyringError::Missing { path }));
        assert!(Keyring::generate(&random(), NOW).read_again().unwrap().is_none());
    }

    #[test]
    fn an_error_in_the_file_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let whole = Keyring::generate(&random(), NOW).to_toml().expose().clone();
        for spoilt in [
            String::new(),
            whole[..whole.len() - 20].to_owned(),
            whole.replace("AAEC", "AA=C"),
            whole.replace("master", "slave"),
            whole.replace("[[key]]", "[[lock]]"),
            whole.replace("id = \"k", "id = \"k.."),
        ] {
            fs::write(&path, &spoilt).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let text = Keyring::load(&path).err().unwrap().to_string();
            assert!(text.contains("cannot be understood"), "{text}");
            assert!(!text.contains("AAEC") && !text.contains("ICEi"), "{text}");
        }
    }
}
