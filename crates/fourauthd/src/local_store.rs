//! The database of a server, opened by a local command.

use crate::invocation::{Caller, Invocation};
use anyhow::{Context as _, bail};
use fourauth_audit::checkpoint::Checkpoint;
use fourauth_auth::{
    compute::{Compute, PoolLimits},
    faces::Faces,
    hashing::Hasher,
};
use fourauth_checkpoints::Exported;
use fourauth_config::{AuthConfig, ComputeConfig, Config};
use fourauth_face::Engine;
use fourauth_factors::password::Pepper;
use fourauth_protocol::{time::UnixMillis, username::normal_form};
use fourauth_server::{data_folder, parts};
use fourauth_store::{ACCEPT_ROLLBACK, AuditEntry, BoxFuture, Error, Keyring, Store, Tx};
use std::sync::Arc;

/// Ends the detail of every audit row that a local command writes, with the user after it.
const LOCAL_SUFFIX: &str = "by local administration";

/// Database of a server, opened by another process.
#[derive(Debug)]
pub struct LocalStore {
    /// The database.
    pub store: Store,
    /// Time of the system clock.
    pub now: UnixMillis,
    caller: Caller,
    keyring: Arc<Keyring>,
    auth: AuthConfig,
    compute: ComputeConfig,
}

impl LocalStore {
    /// Opens the database of a server and its keyring. Creates neither, and does not migrate the
    /// schema.
    ///
    /// # Errors
    ///
    /// If this version of the server has not run here yet, or the keyring does not belong to the
    /// database.
    pub async fn open(config: &Config, by: impl Into<Invocation>) -> anyhow::Result<Self> {
        let keyring = keyring(config)?;
        let store = Store::open_existing(&config.location(), Arc::clone(&keyring)).await?;
        // Without it, the rows of erasures are not signed.
        if let Ok(signer) = fourauth_checkpoints::erasure_signer(&config.audit_dir()) {
            store.sign_erasures(signer);
        }
        Ok(Self::new(config, store, keyring, by.into()))
    }

    /// Opens a database that was unpacked from a backup, perhaps by an older version, and migrates
    /// it.
    pub(crate) async fn open_unpacked(
        config: &Config,
        by: impl Into<Invocation>,
    ) -> anyhow::Result<Self> {
        let keyring = keyring(config)?;
        let store = Store::open(&config.location(), Arc::clone(&keyring)).await?;
        Ok(Self::new(config, store, keyring, by.into()))
    }

    fn new(config: &Config, store: Store, keyring: Arc<Keyring>, by: Invocation) -> Self {
        let (Invocation { now, caller }, Config { auth, compute, .. }) = (by, config.clone());
        Self { store, now, caller, keyring, auth, compute }
    }

    fn compute(&self) -> anyhow::Result<Compute> {
        Ok(Compute::start(PoolLimits { threads: 1, ..parts::compute_limits(&self.compute) })?)
    }

    /// Starts a thread that creates hashes, which the server accepts.
    pub(crate) fn hasher(&self) -> anyhow::Result<Hasher> {
        parts::hasher(&self.auth, &self.compute()?, &self.keyring)
    }

    /// Starts a thread that computes templates as the server does.
    pub(crate) fn faces(&self, engine: Arc<Engine>) -> anyhow::Result<Faces> {
        Ok(Faces::new(self.compute()?, engine, self.keyring.pepper().clone()))
    }

    /// The pepper of the keyring.
    pub(crate) fn pepper(&self) -> &Pepper {
        self.keyring.pepper()
    }

    /// Audit row of a local command. A name gets the form that it is stored in.
    pub(crate) fn local_row(
        &self,
        username: Option<&str>,
        action: &'static str,
        detail: &str,
    ) -> AuditEntry {
        let divider = if detail.is_empty() { "" } else { " " };
        let detail = format!("{detail}{divider}{}", self.suffix());
        AuditEntry {
            at: self.now,
            username: username.map(normal_form),
            action,
            success: true,
            detail,
        }
    }

    /// Ends the detail of an audit row of this command.
    pub(crate) fn suffix(&self) -> String {
        format!("{LOCAL_SUFFIX}{}", self.caller)
    }

    /// Audit row that gives up the exported checkpoint `lost`.
    pub(crate) fn accept_rollback_row(&self, lost: &Checkpoint) -> AuditEntry {
        self.local_row(None, ACCEPT_ROLLBACK, &fourauth_checkpoints::accepted_detail(lost))
    }

    /// Fails if a checkpoint cannot be given up, because the tree has reached that size with other
    /// rows.
    pub(crate) async fn refuse_contradictions(&self, lost: &[Exported]) -> anyhow::Result<()> {
        let has = self.store.tree_size().await?;
        let contradicted = lost.iter().map(|lost| &lost.checkpoint).find(|lost| lost.size <= has);
        if let Some(Checkpoint { size, at, .. }) = contradicted {
            bail!(
                "the first {size} rows of this database are not those that were signed at {at}: it \
                 has another history, which cannot be given up. Restore the database with these \
                 rows, or start the server with audit.on_rollback = \"alarm\""
            );
        }
        Ok(())
    }

    /// Makes a change and writes its audit row in one transaction. Returns false, and writes no
    /// row, if there was nothing to change.
    pub(crate) async fn change<F>(&self, entry: AuditEntry, change: F) -> Result<bool, Error>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<bool, Error>> + Send + 'static,
    {
        let changed = self.store.write(move |tx| {
            Box::pin(async move {
                let changed = change(tx).await?;
                if changed {
                    tx.append(&entry).await?;
                }
                Ok(changed)
            })
        });
        changed.await
    }
}

fn keyring(config: &Config) -> anyhow::Result<Arc<Keyring>> {
    Keyring::load(&config.keyring_file()).map(Arc::new).with_context(|| {
        format!(
            "the data folder is {}; if a server uses another one, name it with data_dir or --config, \
             and if none has run here, start `fourauthd` once to create the database and the keyring",
            data_folder::absolute(config).display()
        )
    })
}
