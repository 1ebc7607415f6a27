//! What is proved of a backup before anybody relies on it: that it is whole, that its database is
//! sound, that every secret in it opens, and that its audit log was not changed.

use super::{
    archive,
    contents::{AUDIT, DATABASE, EPOCH},
    envelope::Unlock,
    manifest::{Database, Manifest},
    snapshot,
};
use crate::local::LocalStore;
use anyhow::{Context as _, bail, ensure};
use fourauth_audit::key::VerifyingKey;
use fourauth_audit_verify::{Options, Report};
use fourauth_checkpoints::{EpochFile, KeyFileError};
use fourauth_config::{Config, StoreConfig, StoreUrl};
use fourauth_private_file::scratch::Scratch;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Keyring, Location};
use std::{
    fmt,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

/// A backup that was proved, unpacked in a scratch folder.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) manifest: Manifest,
    /// The configuration of a server that has its data in the scratch folder.
    pub(super) config: Config,
    /// The key of the audit log; `None` if nobody has signed it yet.
    pub(super) log_key: Option<VerifyingKey>,
    values: u64,
    /// `None` if the database is older than the tree, or has not been signed yet.
    audit: Option<Report>,
}

/// Unpacks a backup and proves it.
pub(super) async fn examine(
    file: &Path,
    unlock: &Unlock,
    scratch: &Scratch,
    config: &Config,
    now: UnixMillis,
) -> anyhow::Result<Examined> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let plain = unlock.decrypt(BufReader::new(opened))?;
    let manifest = archive::extract(plain, scratch.folder())?;
    let log_key = log_key(scratch.folder(), config)?;
    let (config, path) = inside(config, scratch.folder());
    if manifest.entry(EPOCH).is_some() {
        EpochFile::open(&config.audit_dir())?;
    }
    let Some(database) = &manifest.database else {
        Keyring::load(&config.keyring_file())?;
        return Ok(Examined { manifest, config, log_key, values: 0, audit: None });
    };
    snapshot::check(&path)?;
    let found = snapshot::describe(&path)?;
    ensure!(found == *database, "the database is not what the manifest says");
    let audit = audit(log_key.as_ref(), database, &path)?;
    let values = open_everything(&config, now).await?;
    Ok(Examined { manifest, config, log_key, values, audit })
}

/// The configuration of a server in the scratch folder, and its database.
fn inside(config: &Config, scratch: &Path) -> (Config, PathBuf) {
    let path = scratch.join(DATABASE);
    let url = StoreUrl::from(Location::Sqlite(path.clone()));
    let sinks = Some(config.checkpoint_sinks());
    let mut inside = Config {
        data_dir: scratch.to_owned(),
        store: StoreConfig { url: Some(url), ..config.store.clone() },
        ..config.clone()
    };
    inside.audit.checkpoint_sinks = sinks;
    (inside, path)
}

/// The key that is in the backup; if it is not, that of this machine, for whoever takes it out of a
/// backup must not be able to say that there is nothing to prove.
fn log_key(scratch: &Path, config: &Config) -> anyhow::Result<Option<VerifyingKey>> {
    for folder in [scratch.join(AUDIT), config.audit_dir()] {
        match fourauth_checkpoints::public_key(&folder) {
            Err(KeyFileError::Missing { .. }) => {}
            key => return Ok(Some(key?)),
        }
    }
    Ok(None)
}

/// Before anything opens the database for writing: an older one would be brought up to date.
fn audit(
    key: Option<&VerifyingKey>,
    database: &Database,
    path: &Path,
) -> anyhow::Result<Option<Report>> {
    if !snapshot::has_tree(database) {
        return Ok(None);
    }
    let Some(key) = key else {
        ensure!(
            !snapshot::is_signed(path)?,
            "the audit log in the backup is signed, and its public key is neither in the backup nor \
             on this machine: put it at audit/log.vkey in the data folder"
        );
        return Ok(None);
    };
    let mut options = Options::new(key.clone());
    options.accepted = snapshot::given_up(path)?.into_iter().collect();
    let report = fourauth_audit_verify::verify(path, &options)?;
    ensure!(report.is_proved(), "the audit log is not what was signed:\n{report}");
    Ok(Some(report))
}

/// How many sealed values there are, if all of them open.
async fn open_everything(config: &Config, now: UnixMillis) -> anyhow::Result<u64> {
    let local = LocalStore::open(config, now).await?;
    let opened = local.store.open_all().await?;
    local.store.close().await;
    if opened.unopened > 0 {
        bail!("{} sealed values do not open with the keyring", opened.unopened);
    }
    Ok(opened.values)
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Manifest { created_utc, database, file, .. } = &self.manifest;
        writeln!(f, "made      {created_utc}, {} files, each as it was written", file.len())?;
        let Some(Database { schema, tree_size, tree_root }) = database else {
            return write!(f, "database  not in it");
        };
        writeln!(f, "database  sound, migration {schema}, {} sealed values open", self.values)?;
        match &self.audit {
            Some(report) => write!(
                f,
                "audit     {} rows replayed, nothing was changed; tree of {tree_size}, root {tree_root}",
                report.rows
            ),
            None if *tree_size > 0 => {
                write!(f, "audit     NOT PROVED: nobody has signed its {tree_size} rows yet")
            }
            None => write!(f, "audit     nothing is signed yet"),
        }
    }
}
