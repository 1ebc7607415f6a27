//! Files of the audit log's keys: made once, never replaced, read only while nobody else can read
//! them. What is in them is the business of [`keys`](crate::keys) and
//! [`epoch_file`](crate::epoch_file).

use crate::entropy;
use fourauth_private_file::{self as private_file, Unread};
use fourauth_protocol::secret::Secret;
use std::{
    fs::{DirBuilder, File},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Largest file that is read, in bytes. None of ours has 300.
const MAX_BYTES: u64 = 4096;

/// What is wrong with a key's file. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is none.
    #[error(
        "there is no {}: this database has checkpoints, so put the file back from its copy; a new \
         one could not prove what the old one has signed", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error(
        "{} can be read by others (mode {mode:03o}): run `chmod 600 {}`; what was signed since \
         somebody may have read it proves less", path.display(), path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not what it should be.
    #[error("{} cannot be understood: put it back from its copy", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The two halves of a key are of two keys.
    #[error("{} is not the public key of log.key: put both back from their copies", path.display())]
    Mismatch {
        /// The file of the public key.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{} cannot be used: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

/// Makes the folder, for its owner alone.
pub(crate) fn make_folder(path: &Path) -> Result<(), KeyFileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// Reads a file that only its owner can.
pub(crate) fn read(path: &Path) -> Result<Secret<String>, KeyFileError> {
    let path_text = || path.to_owned();
    private_file::read(path, MAX_BYTES).map_err(|unread| match unread {
        Unread::Exposed { mode } => KeyFileError::Exposed { path: path_text(), mode },
        Unread::Io(error) if error.kind() == ErrorKind::NotFound => {
            KeyFileError::Missing { path: path_text() }
        }
        Unread::Io(error) => KeyFileError::Io { path: path_text(), error },
    })
}

/// Reads a file that anybody may.
pub(crate) fn read_public(path: &Path) -> Result<String, KeyFileError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(KeyFileError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(KeyFileError::Io { path: path.to_owned(), error }),
    }
}

/// Writes a new file and waits until it is on disk.
pub(crate) fn create(path: &Path, text: &Secret<String>) -> Result<(), KeyFileError> {
    private_file::create(path, text.expose().as_bytes(), entropy::bytes())
        .map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// Reads the file, or writes `text` to a new one if there is none.
pub(crate) fn read_or_create(
    path: &Path,
    text: &Secret<String>,
) -> Result<Secret<String>, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Missing { .. }) => create(path, text).map(|()| text.clone()),
        found => found,
    }
}
