//! Rollback check at start: does the database hold everything that was signed and exported?
//!
//! It detects an older copy of the database and rows cut off the end. It does not detect a changed
//! row: only `fourauthd audit verify` reads the whole log.

use crate::{
    exported::{Exported, leads_to},
    given_up::GivenUp,
    publisher::Publisher,
    sink::SinkError,
};
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditEntry, Error, Store};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The action if rows of the log are missing that a checkpoint covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRollback {
    /// The server does not start until an operator confirms a restore.
    #[default]
    Refuse,
    /// The server starts and reports the rollback in the text log and the audit log.
    Alarm,
}

/// Reasons why the server must not continue this log.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The log was signed with another key.
    #[error(
        "the audit log of this database is signed with another key ({vkey}): restore the folder \
         `audit` that belongs to it in the data folder"
    )]
    OtherKey {
        /// Public key that the database names.
        vkey: String,
    },
    /// The database lacks rows that were signed.
    #[error(
        "the database is older than its signed audit log: {size} rows were signed at {at}, and it \
         does not have them. Restore the newer database. If an older one was restored on purpose, \
         run `fourauthd audit accept-rollback`"
    )]
    Behind {
        /// Number of rows that were signed.
        size: u64,
        /// Time of the signature.
        at: String,
    },
    /// A sink holds checkpoints of another log.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The database failed.
    #[error("the audit log cannot be read")]
    Store(#[from] Error),
}

impl Publisher {
    /// Refuses a database that is signed with another key or lacks rows that were signed. With
    /// [`OnRollback::Alarm`], missing rows are only logged, and recorded in the audit log.
    ///
    /// # Errors
    ///
    /// [`RollbackError`]. Its text says what to do.
    pub async fn check(
        &self,
        store: &Store,
        on_rollback: OnRollback,
        now: UnixMillis,
    ) -> Result<(), RollbackError> {
        self.claim(store).await?;
        let lost = match self.lost(store).await {
            // Write access to a sink must not be enough to prevent a start.
            Err(RollbackError::Sink(error)) if on_rollback == OnRollback::Alarm => {
                tracing::error!(%error, "audit rollback");
                return Ok(());
            }
            lost => lost?,
        };
        let Some(Exported { checkpoint: lost, .. }) = lost.last() else { return Ok(()) };
        let refusal = RollbackError::Behind { size: lost.size, at: lost.at.clone() };
        match on_rollback {
            OnRollback::Refuse => Err(refusal),
            OnRollback::Alarm => {
                tracing::error!(error = %refusal, "audit rollback");
                store.append(alarm(lost, now)).await?;
                Ok(())
            }
        }
    }

    /// Exported checkpoints that the database lacks; see [`lost`].
    ///
    /// # Errors
    ///
    /// [`RollbackError`].
    pub async fn lost(&self, store: &Store) -> Result<Vec<Exported>, RollbackError> {
        let largest = async |given_up: &Arc<GivenUp>| Ok(self.newest_exported(given_up).await?);
        lost(store, self.verifying_key(), largest).await
    }

    async fn claim(&self, store: &Store) -> Result<(), RollbackError> {
        let vkey = self.verifying_key().to_string();
        if store.write(move |tx| Box::pin(async move { tx.claim_log(&vkey).await })).await? {
            return Ok(());
        }
        let vkey = store.tree_head().await?.vkey.unwrap_or_default();
        Err(RollbackError::OtherKey { vkey })
    }
}

/// Exported checkpoints that the tree in `store` does not contain and no operator has given up.
///
/// After several rollbacks it returns the largest checkpoint of each lost history, in order of
/// size. `largest` finds the largest exported checkpoint that is not given up.
///
/// # Errors
///
/// Those of the database and of `largest`.
pub async fn lost<E: From<Error>>(
    store: &Store,
    key: &VerifyingKey,
    largest: impl AsyncFn(&Arc<GivenUp>) -> Result<Option<Exported>, E>,
) -> Result<Vec<Exported>, E> {
    let mut given_up = Arc::new(GivenUp::read(store, key).await?);
    let has = store.tree_size().await?;
    let mut all = Vec::new();
    while let Some(exported) = largest(&given_up).await? {
        if leads_to(store, &exported.checkpoint).await? {
            break;
        }
        Arc::make_mut(&mut given_up).add(&exported.checkpoint, has);
        let can_be_given_up = given_up.covers(&exported.checkpoint);
        all.push(exported);
        if !can_be_given_up {
            break;
        }
    }
    // Each row that gives up a checkpoint makes the tree larger, and covers only larger
    // checkpoints.
    all.reverse();
    Ok(all)
}

fn alarm(lost: &Checkpoint, now: UnixMillis) -> AuditEntry {
    let Checkpoint { size, at, .. } = lost;
    AuditEntry {
        at: now,
        username: None,
        action: "audit_rollback",
        success: false,
        detail: format!("The database lacks what was signed. size={size} at={at}"),
    }
}
