//! Whether the database has everything that was signed and sent away: a start is the moment to ask.
//!
//! An older copy in its place, or a tail that was cut, shows here. A row that was changed does not:
//! that takes a reading of the whole log, `fourauthd audit verify`.

use crate::{
    given_up::GivenUp,
    publisher::Publisher,
    sink::{Exported, SinkError},
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

/// Why the log cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The log was signed with another key.
    #[error(
        "the audit log of this database is signed with another key ({vkey}): put the folder `audit` \
         that belongs to it back into the data folder"
    )]
    OtherKey {
        /// That key.
        vkey: String,
    },
    /// The log is behind what was signed.
    #[error(
        "the database is not the one whose audit log was signed: {size} rows were signed at {at}, \
         and it does not have them. Put the newer database back. If an older one was restored on \
         purpose, say so with `fourauthd audit accept-rollback`"
    )]
    Behind {
        /// Rows that were signed.
        size: u64,
        /// When.
        at: String,
    },
    /// A place for checkpoints shows those of another log.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The database failed.
    #[error("the audit log cannot be read")]
    Store(#[from] Error),
}

impl Publisher {
    /// Refuses a database that is signed with another key, or lacks what was signed. With
    /// [`OnRollback::Alarm`] the latter is an error in the text log and a row in the audit log.
    ///
    /// # Errors
    ///
    /// [`RollbackError`], whose text says what to do.
    pub async fn check(
        &self,
        store: &Store,
        on_rollback: OnRollback,
        now: UnixMillis,
    ) -> Result<(), RollbackError> {
        self.claim(store).await?;
        let lost = match self.lost(store).await {
            // Whoever can write there must not decide whether the server starts.
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

    /// What was exported and the database lacks; see [`lost`].
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

/// Exported checkpoints that the tree in `store` does not lead to, and that nobody has given up: the
/// largest of each history, if there has been more than one rollback; the smallest of them first.
///
/// `largest` finds the largest that was exported and is not given up.
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
    // Each row that gives one up makes the tree larger, and gives up only what goes beyond it.
    all.reverse();
    Ok(all)
}

/// Whether the tree in `store` has been what a checkpoint says. One whose leaves are gone has not.
///
/// # Errors
///
/// [`Error`] if the database fails.
pub async fn leads_to(store: &Store, checkpoint: &Checkpoint) -> Result<bool, Error> {
    match store.root_at(checkpoint.size).await {
        Err(Error::Corrupt { .. }) => Ok(false),
        root => Ok(root? == Some(checkpoint.root)),
    }
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
