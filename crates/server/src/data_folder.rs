//! Access to the data folder: permission checks, and a lock that either servers share or one
//! command holds while it replaces the database.

use anyhow::{Context as _, bail};
use fourauth_checkpoints::untaken_first_keys;
use fourauth_config::Config;
use fourauth_private_file::{
    self as private_file,
    custody::{self, Custody, Kind, NotKept},
};
use fourauth_store::Location;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

/// The lock file. It is empty and is never removed.
const FILE: &str = "in-use.lock";

/// Checks that other users cannot access the data folder and the secret files in it. Missing files
/// pass. A folder that others can list is closed to them.
///
/// The files of the database are checked too, even outside the folder. Opening the database and
/// reading a key repeat their checks.
///
/// # Errors
///
/// [`NotKept`] names the file or folder and says what to do.
pub fn check(config: &Config) -> Result<(), NotKept> {
    for (path, kind) in contents(config) {
        match custody::check(&path, kind)? {
            Custody::Absent | Custody::Kept => {}
            Custody::Closed => {
                tracing::warn!(
                    path = %path.display(),
                    "folder was accessible to other users; its mode has been corrected"
                );
            }
        }
    }
    config.location().check_files()
}

/// The data folder, independent of the folder that the program was started in.
#[must_use]
pub fn absolute(config: &Config) -> PathBuf {
    std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone())
}

/// Logs which data folder is used, and whether an installation begins in it.
pub fn report(config: &Config, is_new: bool) {
    let folder = absolute(config);
    let folder = folder.display();
    if is_new {
        tracing::info!(
            %folder,
            "a new installation begins in this data folder; if there is one already, data_dir or the \
             folder that the program was started in is another"
        );
    } else {
        tracing::info!(%folder, "the installation in this data folder goes on");
    }
}

/// The folders that hold the installation: the user that owns one of them can replace files of the
/// server. The data folder is the first.
#[must_use]
pub fn folders(config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![config.data_dir.clone()];
    folders.extend(SUBFOLDERS.map(|name| config.data_dir.join(name)));
    if let Location::Sqlite(path) = config.location() {
        folders.extend(path.parent().map(Path::to_owned));
    }
    folders
}

/// The folders in the data folder that hold secrets.
const SUBFOLDERS: [&str; 2] = ["tls", "audit"];

/// The files and folders in the data folder that other users must not access. Left out are the
/// certificate, the public key and the checkpoints, which are public; lock files, which are empty;
/// and models, which are checked against hashes. A private key that `tls.private_key` names is left
/// out as well: other services may need it, so its mode is up to the operator.
fn contents(config: &Config) -> Vec<(PathBuf, Kind)> {
    let inside = |name: &str| config.data_dir.join(name);
    let mut contents = vec![(config.data_dir.clone(), Kind::Folder)];
    contents.extend(SUBFOLDERS.map(|name| (inside(name), Kind::Subfolder)));
    contents.extend(
        ["tls/key.pem", "audit/log.key", "audit/epoch.toml"]
            .map(|name| (inside(name), Kind::Secret)),
    );
    let first_keys = untaken_first_keys(&config.audit_dir());
    contents.extend(first_keys.into_iter().map(|path| (path, Kind::Secret)));
    let named = [config.keyring_file(), config.setup_secret_file(), config.receipt_key_file()];
    contents.extend(named.map(|path| (path, Kind::Secret)));
    contents
}

/// A lock on the data folder. It is released when dropped or when the process ends.
#[derive(Debug)]
pub struct DataFolderLock(#[expect(dead_code, reason = "held, never read")] File);

impl DataFolderLock {
    /// Takes the shared lock of a server, so that no backup can be restored to the folder. Fails if
    /// a restore is running.
    ///
    /// # Errors
    ///
    /// If a restore is running, or the lock file cannot be opened.
    pub fn share(data_dir: &Path) -> anyhow::Result<Self> {
        let file = open(data_dir)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                bail!("a backup is being restored to {}", data_dir.display())
            }
            // The server also runs on file systems without locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self(file)),
        }
    }

    /// Takes the exclusive lock for replacing the database, so that no server can start. Fails if a
    /// server or another restore is running.
    ///
    /// # Errors
    ///
    /// If a server or a restore is running, or the folder cannot be locked.
    pub fn take(data_dir: &Path) -> anyhow::Result<Self> {
        let file = open(data_dir)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "a server runs in {}, or a backup is being restored there: stop it first",
                    data_dir.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", data_dir.display()))
            }
        }
    }
}

fn open(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join(FILE);
    private_file::open_lock(&path, data_dir)
        .with_context(|| format!("cannot open {}", path.display()))
}
