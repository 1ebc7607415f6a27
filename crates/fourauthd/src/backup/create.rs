//! `fourauthd backup create`: writes an encrypted backup.

use super::{
    archive,
    contents::{self, DATABASE},
    envelope::Lock,
    manifest::{self, Database, Entry, Manifest},
    snapshot,
};
use crate::{invocation::Invocation, local_store::LocalStore, scratch};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use fourauth_config::Config;
use fourauth_private_file::scratch::Scratch;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{BACKUP_CREATE, KeyringLock, Location};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use tar::Builder;

/// Arguments of `backup create`.
#[derive(Debug, Args)]
pub struct Create {
    /// The backup; must not exist
    pub file: PathBuf,
    /// Recipients
    #[command(flatten)]
    pub lock: Lock,
    /// Leave out the database; for PostgreSQL, which has its own backup tools
    #[arg(long)]
    pub files_only: bool,
}

/// Data to put into a backup.
struct Collected {
    database: Option<(PathBuf, Database)>,
    files: Vec<(&'static str, Secret<Vec<u8>>)>,
}

impl Create {
    pub(super) async fn run(self, config: &Config, by: Invocation) -> anyhow::Result<()> {
        ensure!(!self.file.exists(), "{} already exists", self.file.display());
        // Opening the database checks the keyring: with a wrong one the backup would be unusable.
        let local = LocalStore::open(config, by).await?;
        let scratch = scratch::make(&config.data_dir, "backup")?;
        let collected = self.collect(config, &scratch)?;
        let manifest = collected.manifest(local.now)?;
        let text = manifest.to_signed_toml(&config.audit_dir())?;
        collected.write(&text, &self.lock, &self.file)?;
        let detail = describe(&manifest);
        local.store.append(local.local_row(None, BACKUP_CREATE, &detail)).await?;
        local.store.close().await;
        print_out!(
            "{} holds {detail}. Check it with `fourauthd backup verify`.",
            self.file.display()
        )?;
        Ok(())
    }

    fn collect(&self, config: &Config, scratch: &Scratch) -> anyhow::Result<Collected> {
        // Prevents a key from being retired between copying the database and reading the keyring.
        let _lock = KeyringLock::take(&config.keyring_file())?;
        // The epoch key before the database: checkpoints that it depends on must be in the copy.
        let files = contents::collect(config)?;
        let database = match config.location() {
            _ if self.files_only => None,
            Location::Sqlite(path) => {
                let copy = scratch.folder().join(DATABASE);
                snapshot::take(&path, &copy)?;
                let described = snapshot::describe(&copy)?;
                Some((copy, described))
            }
            Location::Postgres(_) => bail!(
                "this command cannot copy a PostgreSQL database: use pg_dump, and back up keys and \
                 certificates with `fourauthd backup create --files-only`"
            ),
        };
        Ok(Collected { database, files })
    }
}

/// Summary for the audit log and the operator.
fn describe(manifest: &Manifest) -> String {
    match &manifest.database {
        Some(Database { tree_size, tree_root, .. }) => {
            let files = manifest.file.len() - 1;
            format!("the database (tree_size={tree_size} root={tree_root}) and {files} files")
        }
        None => format!("{} files and no database", manifest.file.len()),
    }
}

impl Collected {
    fn manifest(&self, now: UnixMillis) -> anyhow::Result<Manifest> {
        let mut entries = Vec::new();
        if let Some((copy, _)) = &self.database {
            let (bytes, sha256) = archive::digest(copy)?;
            entries.push(Entry::new(DATABASE, bytes, &sha256));
        }
        for (name, bytes) in &self.files {
            let hash = Sha256::digest(bytes.expose());
            entries.push(Entry::new(name, u64::try_from(bytes.expose().len())?, &hash));
        }
        let database = self.database.as_ref().map(|(_, described)| described.clone());
        Ok(Manifest::new(now, database, entries))
    }

    /// Writes to a draft file first, so that the backup is complete or does not exist.
    fn write(&self, manifest: &str, lock: &Lock, path: &Path) -> anyhow::Result<()> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        let written = self.write_draft(manifest, lock, &draft);
        // Unlike a rename, a hard link does not replace an existing file.
        let linked = written.and_then(|()| Ok(fs::hard_link(&draft, path)?));
        let _gone = fs::remove_file(&draft);
        linked.with_context(|| format!("cannot write {}", path.display()))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
    }

    fn write_draft(&self, manifest: &str, lock: &Lock, draft: &Path) -> anyhow::Result<()> {
        let _left_by_a_crash = fs::remove_file(draft);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
        let mut archive = Builder::new(lock.encrypt(BufWriter::new(file))?);
        let bytes = u64::try_from(manifest.len())?;
        archive::add(&mut archive, manifest::NAME, bytes, manifest.as_bytes())?;
        if let Some((copy, _)) = &self.database {
            let bytes = fs::metadata(copy)?.len();
            archive::add(&mut archive, DATABASE, bytes, File::open(copy)?)?;
        }
        for (name, bytes) in &self.files {
            let bytes = bytes.expose();
            archive::add(&mut archive, name, u64::try_from(bytes.len())?, bytes.as_slice())?;
        }
        let mut file = archive.into_inner()?.finish()?;
        file.flush()?;
        Ok(file.into_inner()?.sync_all()?)
    }
}
