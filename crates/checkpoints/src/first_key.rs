//! The first key of each chain of epochs, in files that an operator empties for the auditor: with it
//! the auditor can compute the keys of all epochs.

use crate::key_file::{self, KeyFileError};
use fourauth_audit::EpochKey;
use fourauth_private_file as private_file;
use fourauth_protocol::secret::Secret;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Begin of the names of the files. A number follows.
const PREFIX: &str = "epoch-";

/// Most files that wait for the operator.
const MOST: u32 = 1000;

/// Writes a first key to a new file in `folder`.
///
/// # Errors
///
/// [`KeyFileError::Io`] if the file cannot be written.
pub(crate) fn keep(folder: &Path, key: &EpochKey) -> Result<(), KeyFileError> {
    let text = Secret::new(format!("{}\n", *key.expose_hex()));
    let mut files = (0..MOST).map(|number| folder.join(format!("{PREFIX}{number}")));
    let free = files.find(|path| !path.exists());
    let full = || KeyFileError::Io {
        path: folder.to_owned(),
        error: io::Error::other("too many first epoch keys wait for `fourauthd audit epoch-key`"),
    };
    key_file::create(&free.ok_or_else(full)?, &text)
}

/// The files of first keys that are still to be taken, in the order of their names.
#[must_use]
pub fn untaken_first_keys(folder: &Path) -> Vec<PathBuf> {
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_digit());
    let is_first = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_prefix(PREFIX)).is_some_and(is_number)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).filter(is_first).collect();
    found.sort();
    found
}

/// Passes the first keys, in hexadecimal and one in each line, to `show`, and then removes their
/// files. There are no other copies.
///
/// # Errors
///
/// [`KeyFileError::Missing`] if they were taken already. If `show` fails, the files stay.
pub fn take_first_keys(
    folder: &Path,
    show: impl FnOnce(&Secret<String>) -> io::Result<()>,
) -> Result<(), KeyFileError> {
    let files = untaken_first_keys(folder);
    let Some(first) = files.first() else {
        return Err(KeyFileError::Missing { path: folder.join(format!("{PREFIX}0")) });
    };
    let keys: Vec<_> = files.iter().map(|file| key_file::read(file)).collect::<Result<_, _>>()?;
    let text = Secret::new(keys.iter().map(|key| key.expose().as_str()).collect::<String>());
    let failed = |path: &Path, error| KeyFileError::Io { path: path.to_owned(), error };
    show(&text).map_err(|error| failed(first, error))?;
    for file in &files {
        private_file::remove_and_wipe(file).map_err(|error| failed(file, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &EpochKey::new(0, [7; 32])).unwrap();
        keep(folder.path(), &EpochKey::new(0, [8; 32])).unwrap();
        fs::write(folder.path().join("epoch.toml"), "x").unwrap();
        folder
    }

    #[test]
    fn first_keys_are_shown_once() {
        let folder = two();
        let mut shown = String::new();
        assert_eq!(untaken_first_keys(folder.path()).len(), 2);
        take_first_keys(folder.path(), |text| {
            shown.clone_from(text.expose());
            Ok(())
        })
        .unwrap();
        assert_eq!(shown, format!("{}\n{}\n", "07".repeat(32), "08".repeat(32)));
        assert!(untaken_first_keys(folder.path()).is_empty());
        let again = take_first_keys(folder.path(), |_| Ok(()));
        assert!(matches!(again, Err(KeyFileError::Missing { .. })));
    }

    #[test]
    fn first_keys_stay_if_they_could_not_be_shown() {
        let folder = two();
        let closed = || Err(io::ErrorKind::BrokenPipe.into());
        assert!(take_first_keys(folder.path(), |_| closed()).is_err());
        assert_eq!(untaken_first_keys(folder.path()).len(), 2);
    }
}
