//! The keyring's file: read only while nobody but its owner can read it. How it changes is
//! [`change`](super::change)'s business.

use super::{Key, Keyring, PEPPER};
use crate::entropy;
use data_encoding::BASE64;
use fourauth_private_file::{self as private_file, custody::OTHERS};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use serde::Deserialize;
use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Largest file that is read, in bytes: some hundred keys.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// What is wrong with a keyring's file. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none.
    #[error(
        "there is no keyring at {}: if the database already holds accounts, put its keyring file \
         back there; a new one cannot open what is stored", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is one already.
    #[error("there is a keyring at {} already, and it is never replaced", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error(
        "the keyring {} can be read by others (mode {mode:03o}): run `chmod 600 {}`, and if \
         somebody may have read it, rotate the keys", path.display(), path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not a keyring.
    #[error(
        "the keyring {} cannot be understood at line {line}: restore it from a backup; do not make \
         a new one while the database holds accounts", path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where in it, from 1; 0 if it is the whole that makes no sense.
        line: usize,
    },
    /// Another command is changing it.
    #[error("another command is changing the keyring {}: wait until it has ended", path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// It has no room for another key.
    #[error(
        "the keyring {} holds as many keys as it can: retire those that seal nothing", path.display()
    )]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the keyring {} cannot be used: {kind}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        kind: ErrorKind,
    },
}

/// Writes `text` to a new file and waits until file and folder are on disk.
pub(super) fn create(path: &Path, text: &Secret<String>) -> Result<(), KeyringError> {
    private_file::create(path, text.expose().as_bytes(), entropy::bytes()).map_err(|error| {
        match error.kind() {
            ErrorKind::AlreadyExists => KeyringError::Exists { path: path.to_owned() },
            kind => KeyringError::Io { path: path.to_owned(), kind },
        }
    })
}

/// A file as it was when it was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    stamp: Stamp,
}

/// Another one for every file that takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Source {
    /// Whether another file is there now, or none.
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

/// Reads a file that nobody but its owner can. Permissions are those of the opened file, so that
/// nothing can be put in its place between the look and the reading.
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

/// Reads a keyring. `Err` is the line that makes no sense; the parser's own message would quote it.
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
    fn a_keyring_is_made_once_and_read_back() {
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
    fn a_keyring_that_others_can_read_is_refused_with_what_to_do() {
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
    fn a_missing_keyring_is_not_made_by_looking_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        let missing = KeyringError::Missing { path: path.clone() };
        assert_eq!(Keyring::load(&path).err(), Some(missing));
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_was_replaced_is_read_again_and_no_other() {
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
    fn what_is_wrong_in_the_file_is_named_by_line_and_not_quoted() {
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
