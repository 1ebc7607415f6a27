//! Key files of the audit log: created once, never replaced here, and refused if others can read
//! them.
//!
//! [`keys`](super::keys) and [`epoch_file`](super::epoch_file) define their contents.

use crate::entropy;
use fourauth_private_file::{self as private_file, Unread};
use fourauth_protocol::secret::Secret;
use std::{
    fs::{DirBuilder, File},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Largest file that is read, in bytes. Key files have fewer than 300.
const MAX_BYTES: u64 = 4096;

/// Reasons why a key file cannot be used. Never quotes its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file does not exist.
    #[error(
        "{} is missing, and this database has checkpoints: restore the file from its copy; a new \
         key could not prove what the old key signed", path.display()
    )]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// Users other than the owner may read or write it.
    #[error(
        "{} can be read by others (mode {mode:03o}): run `chmod 600 {}`; if others may have read \
         it, checkpoints signed since then prove less", path.display(), path.display()
    )]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The content cannot be parsed.
    #[error("{} cannot be understood: restore it from its copy", path.display())]
    Malformed {
        /// Path of the file.
        path: PathBuf,
    },
    /// The private and the public key do not belong together.
    #[error("{} is not the public key of log.key: restore both from their copies", path.display())]
    Mismatch {
        /// Path of the public key.
        path: PathBuf,
    },
    /// The file with the last signed checkpoint holds something else.
    #[error(
        "{} is not a checkpoint of this log: if the keys in its folder were replaced on purpose, \
         remove it; otherwise run `fourauthd audit verify`", path.display()
    )]
    NotLastSigned {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{} cannot be used: {error}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
}

/// Creates the folder with mode 0700.
pub(crate) fn make_folder(path: &Path) -> Result<(), KeyFileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// Reads a file that only its owner may read.
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

/// Reads a file that others may read as well.
pub(crate) fn read_public(path: &Path) -> Result<String, KeyFileError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    fourauth_text_file::drop_mark(&mut text);
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(KeyFileError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(KeyFileError::Io { path: path.to_owned(), error }),
    }
}

/// Creates a file and waits until it is on disk.
pub(crate) fn create(path: &Path, text: &Secret<String>) -> Result<(), KeyFileError> {
    private_file::create(path, text.expose().as_bytes(), entropy::bytes())
        .map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// Reads the file, or creates it with `text`.
pub(crate) fn read_or_create(
    path: &Path,
    text: &Secret<String>,
) -> Result<Secret<String>, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Missing { .. }) => create(path, text).map(|()| text.clone()),
        found => found,
    }
}
