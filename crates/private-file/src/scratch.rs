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
        wipe(&self.folder);
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            (self.on_left)(&self.folder, &error);
        }
    }
}

/// Overwrites the files of a folder, which may hold every key. A copy-on-write file system and flash
/// memory may still keep them. What cannot be overwritten is removed all the same. A file that has
/// another name has been put in its place, and stays.
fn wipe(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => wipe(&entry.path()),
            Ok(kind) if kind.is_file() && has_one_name(&entry) => {
                let opened = crate::open_itself(&entry.path());
                let _removed_all_the_same = opened.map(|file| file.map(crate::wipe));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

fn has_one_name(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|found| found.nlink() == 1)
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
            wipe(&entry.path());
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
    fn the_files_of_a_removed_folder_are_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let (other, placed) = (home.path().join("other"), home.path().join("keyring.toml"));
        fs::write(&other, "not of the folder").unwrap();
        let left = home.path().join("backup-0011223344556677.scratch");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("of a crash"), "secret").unwrap();
        let mut open = vec![File::open(left.join("of a crash")).unwrap()];
        {
            let scratch = make(home.path(), 0);
            let inner = scratch.folder().join("audit");
            fs::create_dir(&inner).unwrap();
            fs::write(inner.join("log.key"), "secret").unwrap();
            open.push(File::open(inner.join("log.key")).unwrap());
            std::os::unix::fs::symlink(&other, inner.join("link")).unwrap();
            fs::write(inner.join("placed"), "restored").unwrap();
            fs::hard_link(inner.join("placed"), &placed).unwrap();
        }
        for mut file in open {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            assert_eq!(bytes, [0; 6]);
        }
        assert_eq!(fs::read(other).unwrap(), b"not of the folder");
        assert_eq!(fs::read(placed).unwrap(), b"restored");
    }

    #[test]
    fn a_folder_in_use_is_not_removed() {
        let home = tempfile::tempdir().unwrap();
        let [one, other] = [0, 1].map(|number| make(home.path(), number));
        assert!(one.folder().exists() && other.folder().exists());
    }
}
