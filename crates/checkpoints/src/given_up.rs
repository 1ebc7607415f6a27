//! Checkpoints that an operator has given up, because an older database was restored on purpose.
//!
//! Implements the rule of docs/AUDIT.md, "Rollbacks", which auditors apply as well: only lost
//! checkpoints are given up, and only by a row that says so.

use data_encoding::HEXLOWER;
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AcceptedRollback, Error, Store};

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
    /// Time of signature of the checkpoint that the row names.
    until: UnixMillis,
}

impl GivenUp {
    /// Reads the rows that give up checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn read(store: &Store, key: &VerifyingKey) -> Result<Self, Error> {
        // The position of a row in the tree decides what it gives up, so the tree must be complete.
        store.integrate_all().await?;
        let mut given_up = Self::default();
        for AcceptedRollback { note, position, detail } in store.accepted_rollbacks().await? {
            match Checkpoint::open(&note, key) {
                Ok(lost) if is_named(&lost, &detail) => given_up.add(&lost, position),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(given_up)
    }

    /// Adds the checkpoints up to `lost`, given up by a row with `after` leaves before it.
    pub fn add(&mut self, lost: &Checkpoint, after: u64) {
        if let Ok(until) = UnixMillis::parse(&lost.at) {
            self.0.push(Lost { after, size: lost.size, until });
        }
    }

    /// True if `shown` is given up.
    #[must_use]
    pub fn covers(&self, shown: &Checkpoint) -> bool {
        let Ok(at) = UnixMillis::parse(&shown.at) else { return false };
        let is_lost =
            |lost: &Lost| (lost.after + 1..=lost.size).contains(&shown.size) && at <= lost.until;
        self.0.iter().any(is_lost)
    }
}

/// Start of the detail of the row that gives up `lost`.
#[must_use]
pub fn accepted_detail(lost: &Checkpoint) -> String {
    format!("size={} root={}", lost.size, HEXLOWER.encode(&lost.root))
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
