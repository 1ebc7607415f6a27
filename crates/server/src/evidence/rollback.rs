//! Whether the database has everything that was signed and sent away: a start is the moment to ask.
//!
//! An older copy in its place, or a tail that was cut, shows here. A row that was changed does not:
//! that takes a reading of the whole log, `fourauthd audit verify`.

use super::{
    Publisher,
    sink::{Exported, SinkError},
};
use crate::config::OnRollback;
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditEntry, Error, Rollback, Store};

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
        let Some(lost) = lost else { return Ok(()) };
        let lost = lost.checkpoint;
        let refusal = RollbackError::Behind { size: lost.size, at: lost.at.clone() };
        match on_rollback {
            OnRollback::Refuse => Err(refusal),
            OnRollback::Alarm => {
                tracing::error!(error = %refusal, "audit rollback");
                store.append(alarm(&lost, now)).await?;
                Ok(())
            }
        }
    }

    /// The newest exported checkpoint, if the database does not have what it was about, and nobody
    /// has given it up.
    ///
    /// # Errors
    ///
    /// [`RollbackError`].
    pub async fn lost(&self, store: &Store) -> Result<Option<Exported>, RollbackError> {
        let given_up = given_up(&store.rollbacks().await?, self.verifying_key());
        let Some(newest) = self.newest_exported(given_up).await? else { return Ok(None) };
        let Checkpoint { size, root, .. } = newest.checkpoint;
        let is_there = store.root_at(size).await? == Some(root);
        Ok((!is_there).then_some(newest))
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

/// Until when checkpoints are given up: when the newest of those was signed that an operator has let
/// go. What this log's key has not signed lets go of nothing.
pub(crate) fn given_up(rollbacks: &[Rollback], key: &VerifyingKey) -> Option<UnixMillis> {
    let signed = rollbacks.iter().filter_map(|rollback| Checkpoint::open(&rollback.note, key).ok());
    signed.filter_map(|lost| UnixMillis::parse(&lost.at).ok()).max()
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
