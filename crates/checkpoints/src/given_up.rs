//! Checkpoints that an operator has given up, because an older database was put in place on purpose.
//!
//! It is the rule of docs/AUDIT.md, "Rollbacks", by which auditors go as well: only what was lost is
//! given up, and only by a row that says so.

use data_encoding::HEXLOWER;
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AcceptedRollback, Error, Store};

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct GivenUp(Vec<Lost>);

/// What a row gives up: checkpoints of trees that go beyond it, up to the one that it names.
#[derive(Debug, Clone)]
struct Lost {
    /// Leaves before that row.
    after: u64,
    size: u64,
    /// When the largest was signed.
    until: UnixMillis,
}

impl GivenUp {
    /// Reads what the rows of a log give up.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn read(store: &Store, key: &VerifyingKey) -> Result<Self, Error> {
        // A row counts by its place in the tree.
        store.integrate_all().await?;
        let mut given_up = Self::default();
        for AcceptedRollback { note, position, detail } in store.accepted_rollbacks().await? {
            match Checkpoint::open(&note, key) {
                Ok(lost) if is_told(&lost, &detail) => given_up.add(&lost, position),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(given_up)
    }

    /// Adds what a row gives up that has `after` leaves before it.
    pub fn add(&mut self, lost: &Checkpoint, after: u64) {
        if let Ok(until) = UnixMillis::parse(&lost.at) {
            self.0.push(Lost { after, size: lost.size, until });
        }
    }

    /// Whether a checkpoint is among them.
    #[must_use] 
    pub fn covers(&self, shown: &Checkpoint) -> bool {
        let Ok(at) = UnixMillis::parse(&shown.at) else { return false };
        let is_lost =
            |lost: &Lost| (lost.after + 1..=lost.size).contains(&shown.size) && at <= lost.until;
        self.0.iter().any(is_lost)
    }
}

/// How the detail of the row begins by which `lost` is given up.
#[must_use] 
pub fn told(lost: &Checkpoint) -> String {
    format!("size={} root={}", lost.size, HEXLOWER.encode(&lost.root))
}

fn is_told(lost: &Checkpoint, detail: &str) -> bool {
    let rest = detail.strip_prefix(&told(lost));
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
    fn only_what_was_lost_is_given_up() {
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
        assert!(is_told(&lost, &told(&lost)));
        assert!(is_told(&lost, &format!("{} by local administration", told(&lost))));
        assert!(!is_told(&lost, &format!("{}0", told(&lost))));
        assert!(!is_told(&lost, &told(&shown(31, 30))));
        assert!(!is_told(&lost, ""));
    }
}
