//! Rollback check at start: does the database hold everything that was signed and exported?
//!
//! It compares the tree with the checkpoint that was signed last and with every exported one, so it
//! detects an older copy of the database, rows cut off the end, and a tree that was rewritten. It
//! does not read rows: only `fourauthd audit verify` compares them with the tree.

use crate::{
    claims::Claims,
    exported::{Exported, leads_to},
    given_up::GivenUp,
    key_file::KeyFileError,
    publisher::Publisher,
    read_so_far::Place,
    sink::{SinkError, Wanted},
};
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditEntry, Error, Store};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// The database has other rows than those that were signed.
    #[error(
        "the database contradicts its signed audit log: its first {size} rows are not those that \
         were signed at {at}. Restore the database with these rows, or a backup from before the \
         change"
    )]
    Contradicts {
        /// Number of rows that were signed.
        size: u64,
        /// Time of the signature.
        at: String,
    },
    /// A sink holds checkpoints of another log.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The file of what was read of the sinks cannot be removed or renamed.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The database failed.
    #[error("the audit log cannot be read")]
    Store(#[from] Error),
}

/// When a database is found that lacks or contradicts what was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherHistory {
    /// At the start of the server, which continues nevertheless.
    AtStart,
    /// While the server runs. It signs nothing any more.
    Running,
}

impl Publisher {
    /// Refuses a database that is signed with another key, or that lacks or contradicts what was
    /// signed. With [`OnRollback::Alarm`] the latter is only logged, recorded in the audit log, and
    /// forgotten: the log is signed as it is now.
    ///
    /// # Errors
    ///
    /// [`RollbackError`]. Its text says what to do.
    pub async fn check(
        &mut self,
        store: &Store,
        on_rollback: OnRollback,
        now: UnixMillis,
    ) -> Result<(), RollbackError> {
        self.claim(store).await?;
        self.set_damage_aside(store, now).await?;
        let lost = match self.find_lost(store).await {
            // Write access to a sink must not be enough to prevent a start.
            Err(RollbackError::Sink(error)) if on_rollback == OnRollback::Alarm => {
                tracing::error!(%error, "audit rollback");
                return Ok(());
            }
            lost => lost?,
        };
        let (lost, read) = lost;
        let Some(Exported { checkpoint: lost, .. }) = lost.last() else {
            if let Err(error) = self.read.keep(read) {
                tracing::error!(%error, "the sinks are read again at the next start");
            }
            return Ok(());
        };
        let refusal = refusal(lost, store.tree_size().await?);
        match on_rollback {
            OnRollback::Refuse => Err(refusal),
            OnRollback::Alarm => {
                tracing::error!(error = %refusal, "audit rollback");
                store.append(alarm(lost, OtherHistory::AtStart, now)).await?;
                self.forget_last();
                Ok(self.read.forget()?)
            }
        }
    }

    /// Sets a damaged file of what was read of the sinks aside, and records that in both logs: it had
    /// checkpoints that may be gone from their sinks.
    async fn set_damage_aside(
        &mut self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<(), RollbackError> {
        let Some(damage) = self.read.damage() else { return Ok(()) };
        tracing::error!(
            %damage,
            "`sinks-read` is damaged: it is renamed to `sinks-read.damaged`, and every sink is read \
             from its beginning"
        );
        let detail = format!("The file `sinks-read` was damaged and is set aside. why={damage:?}");
        let (username, action) = (None, "sinks_read_damaged");
        store.append(AuditEntry { at: now, username, action, success: false, detail }).await?;
        Ok(self.read.set_aside()?)
    }

    /// Signed checkpoints that the database lacks, see [`lost`], or else the largest one that it
    /// contradicts.
    ///
    /// # Errors
    ///
    /// [`RollbackError`].
    pub async fn lost(&self, store: &Store) -> Result<Vec<Exported>, RollbackError> {
        Ok(self.find_lost(store).await?.0)
    }

    /// The same, with how far each sink was read.
    async fn find_lost(&self, store: &Store) -> Result<(Vec<Exported>, Vec<Place>), RollbackError> {
        let seen: Mutex<Option<(Claims, Vec<Place>)>> = Mutex::default();
        let largest = async |given_up: &Arc<GivenUp>| {
            let wanted = Wanted { given_up: Arc::clone(given_up), among: None };
            let (newest, claims, read) = self.exported(&wanted).await?;
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((claims, read));
            Ok::<_, RollbackError>(newest)
        };
        let mut lost = lost(store, self.verifying_key(), largest).await?;
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (claims, read) = seen.unwrap_or_default();
        if lost.is_empty() {
            lost.extend(self.contradicted(claims, store).await?);
        }
        Ok((lost, read))
    }

    /// The largest exported checkpoint that the tree contradicts, if no operator has given it up.
    /// The sinks are read again only if a note claims something else than the tree.
    async fn contradicted(
        &self,
        claims: Claims,
        store: &Store,
    ) -> Result<Option<Exported>, RollbackError> {
        let among = claims.contradicted(store).await?;
        if among.is_empty() {
            return Ok(None);
        }
        let given_up = Arc::new(GivenUp::read(store, self.verifying_key()).await?);
        let (found, ..) = self.exported(&Wanted { given_up, among: Some(Arc::new(among)) }).await?;
        Ok(found)
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

fn refusal(lost: &Checkpoint, has: u64) -> RollbackError {
    let (size, at) = (lost.size, lost.at.clone());
    if size > has {
        RollbackError::Behind { size, at }
    } else {
        RollbackError::Contradicts { size, at }
    }
}

/// The row about a database that lacks or contradicts the checkpoint `lost`.
pub(crate) fn alarm(lost: &Checkpoint, found: OtherHistory, now: UnixMillis) -> AuditEntry {
    let Checkpoint { size, at, .. } = lost;
    let says = match found {
        OtherHistory::AtStart => "The database lacks what was signed.",
        OtherHistory::Running => "The database lacks what was signed, and is not signed any more.",
    };
    AuditEntry {
        at: now,
        username: None,
        action: "audit_rollback",
        success: false,
        detail: format!("{says} size={size} at={at}"),
    }
}
