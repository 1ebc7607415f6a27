//! Checkpoints that an operator has given up, because an older database was restored on purpose.
//!
//! Implements the rule of docs/AUDIT.md, "Rollbacks", which auditors apply as well: only lost
//! checkpoints are given up, and only by a row that says so. A writer of the database could add such
//! a row, so it counts only if a checkpoint that this log's key has signed covers it.

use crate::exported::leads_to;
use data_encoding::HEXLOWER;
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey, row_proof::ProvenRow};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{ACCEPT_ROLLBACK, AcceptedRollback, AuditId, Error, SignedCheckpoint, Store};

/// Most checkpoints of the database that are tried. The newest one is valid, unless the database was
/// changed.
const TRIED: u32 = 100;

/// All checkpoints that rows of the audit log give up.
#[derive(Debug, Clone, Default)]
pub struct GivenUp(Vec<Lost>);

/// The checkpoints that one row gives up: those larger than its position, up to the one that it
/// names.
#[derive(Debug, Clone)]
struct Lost {
    /// Number of leaves before the row.
    after: u64,
    size: u64,
    /// Time of signature of the checkpoint that the row names, in whole seconds, as auditors compare
    /// it.
    until: i64,
}

impl GivenUp {
    /// Reads the signed rows that give up checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn read(store: &Store, key: &VerifyingKey) -> Result<Self, Error> {
        // The position of a row in the tree decides what it gives up, so the tree must be complete.
        store.integrate_all().await?;
        let (mut given_up, accepted) = (Self::default(), store.accepted_rollbacks().await?);
        if accepted.is_empty() {
            return Ok(given_up);
        }
        let Some(newest) = newest_signed(store, key).await? else { return Ok(given_up) };
        for AcceptedRollback { note, row } in accepted {
            let Ok(lost) = Checkpoint::open(&note, key) else { continue };
            match signed_row(row, &newest, store, key).await? {
                Some((row, position)) if gives_up(&row, &lost) => given_up.add(&lost, position),
                Some(_) | None => {}
            }
        }
        Ok(given_up)
    }

    /// Adds the checkpoints up to `lost`, given up by a row with `after` leaves before it.
    pub fn add(&mut self, lost: &Checkpoint, after: u64) {
        if let Some(until) = seconds(lost) {
            self.0.push(Lost { after, size: lost.size, until });
        }
    }

    /// True if `shown` is given up.
    #[must_use]
    pub fn covers(&self, shown: &Checkpoint) -> bool {
        let Some(at) = seconds(shown) else { return false };
        let is_lost =
            |lost: &Lost| (lost.after + 1..=lost.size).contains(&shown.size) && at <= lost.until;
        self.0.iter().any(is_lost)
    }
}

/// Time of signature in whole seconds, if it can be read.
fn seconds(checkpoint: &Checkpoint) -> Option<i64> {
    UnixMillis::parse(&checkpoint.at).ok().map(|at| at.0.div_euclid(1000))
}

/// Start of the detail of the row that gives up `lost`.
#[must_use]
pub fn accepted_detail(lost: &Checkpoint) -> String {
    format!("size={} root={}", lost.size, HEXLOWER.encode(&lost.root))
}

/// The newest checkpoint in the database that `key` has signed and the tree contains.
async fn newest_signed(
    store: &Store,
    key: &VerifyingKey,
) -> Result<Option<SignedCheckpoint>, Error> {
    for stored in store.newest_checkpoints(TRIED).await? {
        if let Ok(checkpoint) = Checkpoint::open(&stored.note, key)
            && checkpoint.size == stored.size
            && leads_to(store, &checkpoint).await?
        {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// A row and its position, computed from its leaf, if this checkpoint covers it.
async fn signed_row(
    row: AuditId,
    newest: &SignedCheckpoint,
    store: &Store,
    key: &VerifyingKey,
) -> Result<Option<(ProvenRow, u64)>, Error> {
    match store.row_proof_by(row, newest, key).await {
        Err(Error::Corrupt { .. }) => Ok(None),
        proof => Ok(proof?.map(|proof| (proof.row, proof.position))),
    }
}

fn gives_up(row: &ProvenRow, lost: &Checkpoint) -> bool {
    row.action == ACCEPT_ROLLBACK
        && row.success
        && row.salt.is_some()
        && is_named(lost, &row.detail)
}

fn is_named(lost: &Checkpoint, detail: &str) -> bool {
    let rest = detail.strip_prefix(&accepted_detail(lost));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(size: u64, second: u32) -> Checkpoint {
        let at = format!("2026-11-21T10:00:{second:02}Z");
        Checkpoint { origin: "fourauth/ab".to_owned(), size, root: [9; 32], at, epoch: 0 }
    }

    #[test]
    fn only_lost_checkpoints_are_given_up() {
        let mut given_up = GivenUp::default();
        assert!(!given_up.covers(&shown(30, 30)));
        given_up.add(&shown(30, 30), 20);
        for (size, second, is_covered) in [
            (30, 30, true),
            (21, 10, true),
            (20, 10, false),
            (31, 30, false),
            (30, 31, false),
            (21, 31, false),
        ] {
            assert_eq!(given_up.covers(&shown(size, second)), is_covered, "{size} {second}");
        }
        // As auditors do, which leave out fractions of a second.
        let later = Checkpoint { at: "2026-11-21T10:00:30.999Z".to_owned(), ..shown(30, 30) };
        assert!(given_up.covers(&later));
        let undated = Checkpoint { at: "Z".to_owned(), ..shown(30, 30) };
        assert!(!given_up.covers(&undated));
    }

    #[test]
    fn a_row_names_the_checkpoint_that_it_gives_up() {
        let lost = shown(30, 30);
        assert!(is_named(&lost, &accepted_detail(&lost)));
        assert!(is_named(&lost, &format!("{} by local administration", accepted_detail(&lost))));
        assert!(!is_named(&lost, &format!("{}0", accepted_detail(&lost))));
        assert!(!is_named(&lost, &accepted_detail(&shown(31, 30))));
        assert!(!is_named(&lost, ""));
    }
}
