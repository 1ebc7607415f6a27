//! `fourauthd backup restore`: restores a backup into an empty data folder.
//!
//! The backup is verified in a temporary folder first. Then the files are moved into place, the
//! keyring last: an interrupted restore leaves a database without a keyring, which no server starts
//! with.

use super::{
    contents::{DATABASE, KEYRING, PARTS},
    envelope::Unlock,
    examination::{VerifiedBackup, examine},
    exported,
};
use crate::{first_keys, invocation::Invocation, local_store::LocalStore, scratch};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use fourauth_checkpoints::{
    Exported, Publisher, PublisherSettings, last_signed_file, sink::SinkAddress, untaken_first_keys,
};
use fourauth_config::Config;
use fourauth_private_file as private_file;
use fourauth_server::{data_folder::DataFolderLock, first_run};
use fourauth_store::{Error, Location};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Arguments of `backup restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    pub file: PathBuf,
    /// Secret that opens it
    #[command(flatten)]
    pub unlock: Unlock,
    /// Restore even if the backup lacks exported rows; writes a row about it to the audit log
    #[arg(long)]
    pub accept_rollback: bool,
    /// More exported checkpoints, for example a log file of a syslog collector
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// Refuse a backup with a manifest that is not signed, as earlier versions made them
    #[arg(long)]
    pub require_signature: bool,
}

impl Restore {
    pub(super) async fn run(self, config: &Config, by: Invocation) -> anyhow::Result<()> {
        Self::refuse_to_replace(config)?;
        first_run::data_dir(&config.data_dir)?;
        let _folder = DataFolderLock::take(&config.data_dir)?;
        let database = Self::refuse_to_replace(config)?;
        let scratch = scratch::make(&config.data_dir, "restore")?;
        let examined = examine(&self.file, &self.unlock, &scratch, config, by.now).await?;
        examined.refuse_unsigned(self.require_signature)?;
        match (&examined.manifest.database, &database) {
            (Some(_), Some(_)) => self.settle(&examined, config, by).await?,
            (None, _) => {}
            (Some(_), None) => {
                bail!("the backup holds a SQLite database, but store.url names PostgreSQL")
            }
        }
        put_in_place(&examined, scratch.folder(), config, database.as_deref())?;
        print_out!("{examined}\nrestored  to {}", config.data_dir.display())?;
        first_keys::remind(&config.audit_dir())?;
        if examined.manifest.database.is_some() {
            print_out!(
                "All sessions are ended. Recovery codes used since the backup are valid again."
            )?;
        }
        Ok(())
    }

    /// Returns the path of the database if it is a file. Fails if the restore would replace a
    /// database or a keyring.
    fn refuse_to_replace(config: &Config) -> anyhow::Result<Option<PathBuf>> {
        let database = match config.location() {
            Location::Sqlite(path) => Some(path),
            Location::Postgres(_) => None,
        };
        let mut wanted = vec![config.keyring_file()];
        if let Some(database) = &database {
            // SQLite would apply the journal of another database to this one.
            wanted.extend(JOURNALS.map(|suffix| beside(database, suffix)));
            wanted.push(database.clone());
        }
        if let Some(taken) = wanted.iter().find(|path| path.exists()) {
            bail!(
                "{} is there: a backup is restored only where there is neither a database nor a \
                 keyring; stop the server and move both away first",
                taken.display()
            );
        }
        Ok(database)
    }

    /// Writes the rows about the restore while the database is still in the temporary folder.
    async fn settle(
        &self,
        examined: &VerifiedBackup,
        config: &Config,
        by: Invocation,
    ) -> anyhow::Result<()> {
        let inside = LocalStore::open_unpacked(&examined.config, by).await?;
        let newer = match &examined.log_key {
            Some(key) => {
                let last = last_signed_file(&config.audit_dir());
                exported::newer(&examined.config, key, &inside, &self.checkpoints, &last).await?
            }
            None => Vec::new(),
        };
        if let Some(Exported { checkpoint, .. }) = newer.last()
            && !self.accept_rollback
        {
            bail!(
                "a checkpoint of {} rows was exported at {}, and the backup does not have them: \
                 use a newer backup, or give them up with --accept-rollback, which writes a row \
                 to the audit log",
                checkpoint.size,
                checkpoint.at
            );
        }
        let unseen = exported::unseen(&examined.config);
        for place in &unseen {
            print_out!(
                "NOT CHECKED: {place}. It may have newer checkpoints: get its file, and run \
                 `fourauthd audit accept-rollback --checkpoints FILE` before the server starts."
            )?;
        }
        let (made, seen) = (examined.manifest.created_utc, self.checkpoints.len());
        let told = format!(
            "made={made} places_not_looked_at={} files_given={seen}{}",
            unseen.len(),
            names(&unseen)
        );
        let restored = inside.local_row(None, "backup_restore", &told);
        let given_up: Vec<_> = newer
            .into_iter()
            .map(|Exported { checkpoint, note }| {
                (inside.accept_rollback_row(&checkpoint), checkpoint.size, note)
            })
            .collect();
        let sizes: Vec<u64> = given_up.iter().map(|(_, size, _)| *size).collect();
        let written: Result<(), Error> = inside
            .store
            .write(move |tx| {
                Box::pin(async move {
                    for (entry, size, note) in &given_up {
                        tx.accept_rollback(*size, note, entry).await?;
                    }
                    tx.append(&restored).await?;
                    tx.end_all_sessions().await.map(|_| ())
                })
            })
            .await;
        written?;
        if !sizes.is_empty() {
            sign(examined, config, &inside).await?;
        }
        for size in sizes {
            print_out!("Tell the auditor: --accept-rollback {size}.")?;
        }
        inside.store.close().await;
        Ok(())
    }
}

/// Longest list of places in a row, in bytes. A row has a limit for its detail.
const MOST_NAMES: usize = 600;

/// The places that were not looked at, for the row of a restore.
fn names(unseen: &[SinkAddress]) -> String {
    let mut names = String::new();
    for place in unseen {
        let name = place.to_string().replace(['"', ' '], "_");
        if names.len() + name.len() > MOST_NAMES {
            names.push_str(" …");
            break;
        }
        names.push_str(if names.is_empty() { "" } else { " " });
        names.push_str(&name);
    }
    if names.is_empty() { names } else { format!(" not_looked_at=\"{names}\"") }
}

/// Signs the rows that give up checkpoints: they do not count before. The key of the epoch must
/// not go back, so that of this machine is used if there is one.
async fn sign(
    examined: &VerifiedBackup,
    config: &Config,
    inside: &LocalStore,
) -> anyhow::Result<()> {
    let here = config.audit_dir();
    let has_keys = here.join("log.key").exists();
    let folder = if has_keys { here } else { examined.config.audit_dir() };
    let settings = PublisherSettings { folder, sinks: Vec::new() };
    let publisher = Publisher::open(&settings, true, inside.now)?;
    Ok(publisher.sign_accepted(&inside.store, inside.now).await?)
}

/// Suffixes of the files that SQLite keeps next to a database.
const JOURNALS: [&str; 3] = ["-wal", "-shm", "-journal"];

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Moves the unpacked files into place. Existing files stay: the epoch key must not go back.
fn put_in_place(
    examined: &VerifiedBackup,
    scratch: &Path,
    config: &Config,
    database: Option<&Path>,
) -> anyhow::Result<()> {
    let has = |name| examined.manifest.entry(name).is_some();
    let parts = PARTS.iter().map(|part| part.name).filter(|name| *name != KEYRING && has(name));
    for name in parts {
        let path = config.data_dir.join(name);
        if !path.exists() {
            place(&scratch.join(name), &path, &config.data_dir)?;
        }
    }
    for first_key in untaken_first_keys(&examined.config.audit_dir()) {
        if let Some(name) = first_key.file_name() {
            place(&first_key, &config.audit_dir().join(name), &config.data_dir)?;
        }
    }
    if let Some(path) = database.filter(|_| has(DATABASE)) {
        let journal = beside(&scratch.join(DATABASE), "-wal");
        ensure!(!journal.exists(), "the restored database was not closed");
        place(&scratch.join(DATABASE), path, &config.data_dir)?;
    }
    place(&scratch.join(KEYRING), &config.keyring_file(), &config.data_dir)
}

/// Moves a file to a path that does not exist, and waits until it is on disk. Also works across
/// file systems. The file and new folders get the owner of `like`.
fn place(from: &Path, to: &Path, like: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", to.display());
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(cannot)?;
        let _only_root_changes_owners = private_file::give_as(&File::open(folder)?, like);
    }
    let _only_root_changes_owners = private_file::give_as(&File::open(from)?, like);
    // Unlike a rename, a hard link does not replace an existing file.
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let draft = beside(to, ".draft");
            // A draft that a crash left may be a second link to the file in place, so it is
            // removed, not truncated.
            let _gone = fs::remove_file(&draft);
            let linked = copy(from, &draft, like).and_then(|()| fs::hard_link(&draft, to));
            let _gone = fs::remove_file(&draft);
            linked
        }
        linked => linked,
    }
    .with_context(cannot)?;
    File::open(folder)?.sync_all().with_context(cannot)
}

fn copy(from: &Path, to: &Path, like: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let _only_root_changes_owners = private_file::give_as(&file, like);
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}
