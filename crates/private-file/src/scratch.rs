//! A temporary folder with mode 0700.

use crate::Suffix;
use data_encoding::HEXLOWER;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Suffix of the folder's name.
const SUFFIX: &str = ".scratch";

/// A scratch folder that cannot be made, or an old one that cannot be removed.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot make or remove a scratch folder: {error}", parent.display())]
pub struct ScratchError {
    /// The folder that scratch folders are made in.
    pub parent: PathBuf,
    /// The cause.
    pub error: io::Error,
}

/// Reports a scratch folder that could not be removed.
pub type OnLeft = fn(&Path, &io::Error);

/// A folder that is removed with its content on drop. If a crash leaves one, the next command
/// removes it.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    on_left: OnLeft,
    /// Holds a lock that marks the folder as in use.
    _lock: File,
}

impl Scratch {
    /// Creates a folder in `parent`. Its name begins with `name`.
    ///
    /// # Errors
    ///
    /// [`ScratchError`] with the cause.
    pub fn make(
        parent: &Path,
        name: &str,
        suffix: Suffix,
        on_left: OnLeft,
    ) -> Result<Self, ScratchError> {
        let failed = |error| ScratchError { parent: parent.to_owned(), error };
        let prefix = format!("{name}-");
        sweep(parent, &prefix).map_err(failed)?;
        let folder = parent.join(format!("{prefix}{}{SUFFIX}", HEXLOWER.encode(&suffix)));
        loop {
            fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
            let lock = match File::open(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                lock => lock.map_err(failed)?,
            };
            // Without file locks, `sweep` removes no folder either.
            let _locked = lock.lock();
            // With no links left, another process swept the folder before it was locked: create
            // another.
            if lock.metadata().map_err(failed)?.nlink() > 0 {
                return Ok(Self { folder, on_left, _lock: lock });
            }
        }
    }

    /// Its path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Removes the temporary folders that killed commands left in a data folder. They may hold every
/// key.
///
/// # Errors
///
/// [`ScratchError`] with the cause.
pub fn sweep_all(parent: &Path) -> Result<(), ScratchError> {
    sweep(parent, "").map_err(|error| ScratchError { parent: parent.to_owned(), error })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            (self.on_left)(&self.folder, &error);
        }
    }
}

/// Removes temporary folders with this prefix that no process holds a lock on.
fn sweep(parent: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix)
            && name.ends_with(SUFFIX)
            && let Ok(dead) = File::open(entry.path())
            && dead.try_lock().is_ok()
        {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn make(parent: &Path, number: u8) -> Scratch {
        Scratch::make(parent, "backup", [number; 8], |_, error| panic!("left: {error}")).unwrap()
    }

    #[test]
    fn a_temporary_folder_is_private_and_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let left = home.path().join("backup-0011223344556677.scratch");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("left by a crash"), "secret").unwrap();
        {
            let scratch = make(home.path(), 0);
            let folder = scratch.folder();
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
            fs::write(folder.join("secret"), "secret").unwrap();
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_in_use_is_not_removed() {
        let home = tempfile::tempdir().unwrap();
        let [one, other] = [0, 1].map(|number| make(home.path(), number));
        assert!(one.folder().exists() && other.folder().exists());
    }
}
