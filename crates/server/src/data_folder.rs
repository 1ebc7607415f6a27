//! Who is at a data folder: servers, or one command that puts another database there.

use crate::config::Config;
use anyhow::{Context as _, bail};
use fourauth_store::private_file;
use std::fs::{File, TryLockError};

/// The file that is locked. It is empty, and stays.
const FILE: &str = "in-use.lock";

/// Keeps others from a data folder, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct DataFolderLock(#[expect(dead_code, reason = "is held, not looked at")] File);

impl DataFolderLock {
    /// For a server: keeps backups from being restored here.
    ///
    /// # Errors
    ///
    /// If one is just being restored, or the file cannot be made.
    pub(crate) fn share(config: &Config) -> anyhow::Result<Self> {
        let file = open(config)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                bail!("a backup is being restored to {}", config.data_dir.display())
            }
            // Where there are no locks a server serves all the same.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self(file)),
        }
    }

    /// For whoever puts a database here: keeps servers away.
    ///
    /// # Errors
    ///
    /// If a server runs here, or the file cannot be made or locked.
    pub(crate) fn take(config: &Config) -> anyhow::Result<Self> {
        let file = open(config)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "a server runs in {}, or a backup is being restored there: stop it first",
                    config.data_dir.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", config.data_dir.display()))
            }
        }
    }
}

fn open(config: &Config) -> anyhow::Result<File> {
    let path = config.data_dir.join(FILE);
    private_file::open_lock(&path, &config.data_dir)
        .with_context(|| format!("cannot open {}", path.display()))
}
