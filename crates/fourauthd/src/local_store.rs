//! The database of a server, opened by a local command.

use anyhow::{Context as _, bail};
use fourauth_audit::checkpoint::Checkpoint;
use fourauth_auth::{
    authenticator,
    compute::{Compute, PoolLimits},
    faces::Faces,
    hashing::Hasher,
};
use fourauth_checkpoints::sink::Exported;
use fourauth_config::Config;
use fourauth_face::Engine;
use fourauth_factors::{
    face::{DIMENSIONS, Template},
    rotation::Rotation,
};
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_server::parts;
use fourauth_store::{ACCEPT_ROLLBACK, AuditEntry, BoxFuture, Error, Keyring, Store, Tx};
use std::sync::Arc;

/// Ends the detail of every audit row that a local command writes.
pub(crate) const BY_HAND: &str = "by local administration";

/// Database of a server, opened by another process.
#[derive(Debug)]
pub struct LocalStore {
    /// The database.
    pub store: Store,
    /// Creates hashes that the server accepts.
    pub hasher: Hasher,
    /// Time of the system clock.
    pub now: UnixMillis,
    compute: Compute,
    pepper: Secret<[u8; 32]>,
}

impl LocalStore {
    /// Opens the database and its keyring. Creates neither.
    ///
    /// # Errors
    ///
    /// If the server has not run here yet, or the keyring does not belong to the database.
    pub async fn open(config: &Config, now: UnixMillis) -> anyhow::Result<Self> {
        let keyring = Keyring::load(&config.keyring_file())
            .context("start `fourauthd` once to create the database and the keyring")?;
        let keyring = Arc::new(keyring);
        let compute = Compute::start(PoolLimits { threads: 1, ..parts::compute_limits(config) })?;
        let hasher = parts::hasher(config, &compute, &keyring)?;
        // Local commands check no logins, so the decoy need not resemble a face.
        let decoy = authenticator::decoy(&hasher, |account, epoch| {
            let rotation = Rotation::derive(&Secret::new([0; 32]), account.0, epoch);
            Template::protect(&[0.0; DIMENSIONS], [0; 32], account.0, 1, &rotation)
        });
        let pepper = keyring.pepper().clone();
        let location = config.location();
        let store = Store::open(&location, keyring, decoy.await?).await?;
        Ok(Self { store, hasher, now, compute, pepper })
    }

    /// Face pipeline that computes templates as the server does.
    pub(crate) fn faces(&self, engine: Arc<Engine>) -> Faces {
        Faces::new(self.compute.clone(), engine, self.pepper.clone())
    }

    /// Audit row of a local command.
    pub(crate) fn by_hand(
        &self,
        username: Option<&str>,
        action: &'static str,
        detail: &str,
    ) -> AuditEntry {
        let divider = if detail.is_empty() { "" } else { " " };
        let detail = format!("{detail}{divider}{BY_HAND}");
        AuditEntry {
            at: self.now,
            username: username.map(str::to_owned),
            action,
            success: true,
            detail,
        }
    }

    /// Audit row that gives up the exported checkpoint `lost`.
    pub(crate) fn gives_up(&self, lost: &Checkpoint) -> AuditEntry {
        self.by_hand(None, ACCEPT_ROLLBACK, &fourauth_checkpoints::told(lost))
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
