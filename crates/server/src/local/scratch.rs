//! A folder for what is on its way, its owner's alone and gone afterwards.

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use fourauth_auth::entropy;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// How its name ends.
const SUFFIX: &str = ".scratch";

/// Removed with everything in it when it is dropped. What a crash has left is removed by the next.
#[derive(Debug)]
pub(in crate::local) struct Scratch {
    folder: PathBuf,
    /// Locked, so that nobody takes it for what a crash has left.
    _lock: File,
}

impl Scratch {
    /// Makes a folder in `parent` whose name begins with `name`.
    pub(in crate::local) fn make(parent: &Path, name: &str) -> anyhow::Result<Self> {
        let cannot = || format!("cannot make a folder in {}", parent.display());
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
            // Where there are no locks nobody sweeps either.
            let _locked = lock.lock();
            // Somebody who swept meanwhile has taken it for dead.
            if lock.metadata().with_context(cannot)?.nlink() > 0 {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(in crate::local) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Removes what commands have left in a data folder that were killed: it may hold every key.
///
/// # Errors
///
/// What the operating system says.
pub(crate) fn sweep_all(parent: &Path) -> anyhow::Result<()> {
    sweep(parent, "").with_context(|| format!("cannot remove what is left in {}", parent.display()))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            note!("remove {} by hand: {error}", self.folder.display());
        }
    }
}

/// Removes folders whose name begins like this and that nobody is at.
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
    fn it_is_its_owners_and_leaves_nothing() {
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
    fn one_that_is_in_use_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let [one, other] = [(), ()].map(|()| Scratch::make(home.path(), "backup").unwrap());
        assert!(one.folder().exists() && other.folder().exists());
    }
}
