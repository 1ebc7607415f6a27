//! A temporary folder with mode 0700.

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use fourauth_auth::entropy;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Suffix of the folder's name.
const SUFFIX: &str = ".scratch";

/// A folder that is removed with its content on drop. If a crash leaves one, the next command
/// removes it.
#[derive(Debug)]
pub(in crate::local) struct Scratch {
    folder: PathBuf,
    /// Holds a lock that marks the folder as in use.
    _lock: File,
}

impl Scratch {
    /// Creates a folder in `parent`. Its name begins with `name`.
    pub(in crate::local) fn make(parent: &Path, name: &str) -> anyhow::Result<Self> {
        let cannot = || format!("cannot create a temporary folder in {}", parent.display());
        let prefix = format!("{name}-");
        sweep(parent, &prefix).with_context(cannot)?;
        loop {
            let name = format!("{prefix}{}{SUFFIX}", HEXLOWER.encode(&entropy::bytes::<8>()));
            let folder = parent.join(name);
            fs::DirBuilder::new().mode(0o700).create(&folder).with_context(cannot)?;
            let lock = match File::open(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                lock => lock.with_context(cannot)?,
            };
            // Without file locks, `sweep` removes no folder either.
            let _locked = lock.lock();
            // With no links left, another process swept the folder before it was locked: create
            // another.
            if lock.metadata().with_context(cannot)?.nlink() > 0 {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(in crate::local) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Removes the temporary folders that killed commands left in a data folder. They may hold every
/// key.
pub(crate) fn sweep_all(parent: &Path) -> anyhow::Result<()> {
    sweep(parent, "")
        .with_context(|| format!("cannot remove old temporary folders in {}", parent.display()))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            note!("cannot remove {}: {error}; remove it by hand", self.folder.display());
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

    #[test]
    fn a_temporary_folder_is_private_and_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let left = home.path().join("backup-0011223344556677.scratch");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("left by a crash"), "secret").unwrap();
        {
            let scratch = Scratch::make(home.path(), "backup").unwrap();
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
        let [one, other] = [(), ()].map(|()| Scratch::make(home.path(), "backup").unwrap());
        assert!(one.folder().exists() && other.folder().exists());
    }
}
