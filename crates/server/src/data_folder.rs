//! Who is at a data folder: servers, or one command that puts another database there; and that nobody
//! else can be.

use anyhow::{Context as _, bail};
use fourauth_config::Config;
use fourauth_private_file::{
    self as private_file,
    custody::{self, Custody, Kind, NotKept},
};
use std::{
    fs::{File, TryLockError},
    path::PathBuf,
};

/// The file that is locked. It is empty, and stays.
const FILE: &str = "in-use.lock";

/// Refuses a data folder that is not its user's alone, with everything secret that lies in it. What
/// is not there yet is nobody's. A folder that others can list is closed to them.
///
/// So is the database refused, wherever it is. Opening it and reading a key look again.
///
/// # Errors
///
/// [`NotKept`] names the file or folder and says what to do.
pub fn check(config: &Config) -> Result<(), NotKept> {
    for (path, kind) in contents(config) {
        match custody::check(&path, kind)? {
            Custody::Absent | Custody::Kept => {}
            Custody::Closed => {
                tracing::warn!(path = %path.display(), "others could list this folder; closed it");
            }
        }
    }
    config.location().check_files()
}

/// What lies in a data folder and must be its user's alone. Not in it: certificate, public key and
/// checkpoints, which are public; locks, which are empty; models, which are checked against hashes; and
/// a private key that `tls.private_key` names, whose mode is the operator's business, for other
/// services may need it.
fn contents(config: &Config) -> Vec<(PathBuf, Kind)> {
    let inside = |name: &str| config.data_dir.join(name);
    let mut contents = vec![(config.data_dir.clone(), Kind::Folder)];
    contents.extend(["tls", "audit"].map(|name| (inside(name), Kind::Folder)));
    contents.extend(
        ["tls/key.pem", "audit/log.key", "audit/epoch.toml", "audit/epoch-0"]
            .map(|name| (inside(name), Kind::Secret)),
    );
    let named = [config.keyring_file(), config.setup_secret_file(), config.receipt_key_file()];
    contents.extend(named.map(|path| (path, Kind::Secret)));
    contents
}

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
