//! Verification of a backup: it is complete, its database is intact, every secret in it opens, and
//! its audit log was not changed.

use super::{
    archive,
    contents::{AUDIT, DATABASE, EPOCH},
    envelope::Unlock,
    manifest::{Database, Manifest},
    snapshot,
};
use crate::local_store::LocalStore;
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
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

/// File of the public key, in the folder of the audit log's keys.
const PUBLIC_KEY: &str = "log.vkey";

/// A verified backup, unpacked in a temporary folder.
#[derive(Debug)]
pub(super) struct VerifiedBackup {
    pub(super) manifest: Manifest,
    /// Configuration of a server with its data in the temporary folder.
    pub(super) config: Config,
    /// Public key of the audit log; `None` if the log is not signed.
    pub(super) log_key: Option<VerifyingKey>,
    /// True if this machine has that key. Otherwise the backup vouches for itself.
    key_is_here: bool,
    values: u64,
    /// `None` if the database has no tree, or is not signed.
    audit: Option<Report>,
}

/// Unpacks and verifies a backup.
pub(super) async fn examine(
    file: &Path,
    unlock: &Unlock,
    scratch: &Scratch,
    config: &Config,
    now: UnixMillis,
) -> anyhow::Result<VerifiedBackup> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let plain = unlock.decrypt(BufReader::new(opened))?;
    let manifest = archive::extract(plain, scratch.folder())?;
    let log_key = log_key(scratch.folder(), config)?;
    let key_is_here = has_key(&config.audit_dir());
    refuse_forged(&manifest, log_key.as_ref())?;
    let (config, path) = inside(config, scratch.folder());
    if manifest.entry(EPOCH).is_some() {
        EpochFile::open(&config.audit_dir())?;
    }
    let Some(database) = &manifest.database else {
        Keyring::load(&config.keyring_file())?;
        let (values, audit) = (0, None);
        return Ok(VerifiedBackup { manifest, config, log_key, key_is_here, values, audit });
    };
    snapshot::check(&path)?;
    let found = snapshot::describe(&path)?;
    ensure!(found == *database, "the database is not what the manifest says");
    let audit = audit(log_key.as_ref(), database, &path)?;
    let values = open_everything(&config, now).await?;
    Ok(VerifiedBackup { manifest, config, log_key, key_is_here, values, audit })
}

/// Fails if the manifest has a signature that is not that of the log.
fn refuse_forged(manifest: &Manifest, key: Option<&VerifyingKey>) -> anyhow::Result<()> {
    if let (Some(signed), Some(key)) = (&manifest.signed, key) {
        ensure!(
            signed.is_by(key),
            "the manifest of the backup has a signature that is not of {key}: the backup was changed \
             or made by another program; use an older one"
        );
    }
    Ok(())
}

/// Configuration of a server with its data in `scratch`, and the path of its database.
fn inside(config: &Config, scratch: &Path) -> (Config, PathBuf) {
    let path = scratch.join(DATABASE);
    let url = StoreUrl::from(Location::file(&path));
    let sinks = Some(config.checkpoint_sinks());
    let mut inside = Config {
        data_dir: scratch.to_owned(),
        store: StoreConfig { url: Some(url), ..config.store.clone() },
        ..config.clone()
    };
    inside.audit.checkpoint_sinks = sinks;
    (inside, path)
}

/// Public key of this machine, or else the one in the backup. A backup with another key is one of
/// another log. One without a key is checked with that of the machine: otherwise an attacker could
/// remove the key to avoid the check.
fn log_key(scratch: &Path, config: &Config) -> anyhow::Result<Option<VerifyingKey>> {
    let (here, inside) = (config.audit_dir(), scratch.join(AUDIT));
    if has_key(&here) && has_key(&inside) {
        let key = |folder: &Path| fs::read(folder.join(PUBLIC_KEY));
        ensure!(
            key(&here)? == key(&inside)?,
            "the backup is of another audit log than {}: to restore it here, move that folder away \
             first; to verify it, set data_dir to a folder without a log",
            here.display()
        );
    }
    for folder in [here, inside] {
        match fourauth_checkpoints::public_key(&folder) {
            Err(KeyFileError::Missing { .. }) => {}
            key => return Ok(Some(key?)),
        }
    }
    Ok(None)
}

/// True if the folder has the public key of a log.
fn has_key(folder: &Path) -> bool {
    folder.join(PUBLIC_KEY).exists()
}

/// Verifies the audit log. Runs before the database is opened for writing, which would migrate an
/// older one.
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
            "the audit log in the backup is signed, but its public key is neither in the backup \
             nor on this machine: copy it to audit/log.vkey in the data folder"
        );
        return Ok(None);
    };
    let mut options = Options::new(key.clone());
    options.accepted = snapshot::given_up(path)?.into_iter().collect();
    options.erasures = snapshot::erasures(path)?.into_iter().collect();
    let report = fourauth_audit_verify::verify(path, &options)?;
    ensure!(report.is_proved(), "the audit log is not what was signed:\n{report}");
    Ok(Some(report))
}

/// Opens every sealed value and returns their number. Fails if one does not open.
async fn open_everything(config: &Config, now: UnixMillis) -> anyhow::Result<u64> {
    let local = LocalStore::open_unpacked(config, now).await?;
    let opened = local.store.check_sealed_values().await?;
    local.store.close().await;
    if opened.unopened > 0 {
        bail!("{} sealed values do not open with the keyring", opened.unopened);
    }
    Ok(opened.values)
}

impl VerifiedBackup {
    /// Fails if a signature of the manifest is `required`, and no signature was checked.
    pub(super) fn refuse_unsigned(&self, required: bool) -> anyhow::Result<()> {
        let is_checked = self.manifest.signed.is_some() && self.log_key.is_some();
        ensure!(
            is_checked || !required,
            "the manifest of the backup is not signed, or by a key that is neither here nor in the \
             backup, and --require-signature asks for a signature: use another backup"
        );
        Ok(())
    }

    /// What the signature under the manifest says.
    fn signer(&self) -> String {
        match (&self.manifest.signed, &self.log_key) {
            (Some(_), Some(key)) if self.key_is_here => {
                format!("by {key}, the key of this machine")
            }
            (Some(_), Some(key)) => format!(
                "by {key}, the key in the backup itself: compare it with `fourauthd audit keys` of \
                 its server"
            ),
            (Some(_), None) => "by a key that is neither here nor in the backup".to_owned(),
            (None, _) => {
                "NO. An earlier version made it, or another program that could lock it".to_owned()
            }
        }
    }
}

impl fmt::Display for VerifiedBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Manifest { created_utc, database, file, .. } = &self.manifest;
        writeln!(f, "made      {created_utc}, {} files, all unchanged", file.len())?;
        writeln!(f, "signed    {}", self.signer())?;
        let Some(Database { schema, tree_size, tree_root }) = database else {
            return write!(f, "database  not in this backup");
        };
        writeln!(f, "database  sound, migration {schema}, {} sealed values open", self.values)?;
        match &self.audit {
            Some(report) => {
                writeln!(
                    f,
                    "audit     {} rows replayed, nothing was changed; tree of {tree_size}, \
                     root {tree_root}",
                    report.rows
                )?;
                let origin = if self.key_is_here {
                    "of this machine"
                } else {
                    "of the backup itself: compare it with `fourauthd audit keys` of its server"
                };
                let key = self.log_key.as_ref().map(ToString::to_string).unwrap_or_default();
                write!(f, "key       {key}, {origin}")
            }
            None if *tree_size > 0 => {
                write!(f, "audit     NOT PROVED: its {tree_size} rows are not signed")
            }
            None => write!(f, "audit     nothing is signed yet"),
        }
    }
}
