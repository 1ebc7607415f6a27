//! Finds the largest of many checkpoints while verifying few signatures.
//!
//! An attacker with write access to a sink can append old checkpoints, or anything else, after the
//! newest. So every note is read. In a sink without such changes the sizes increase, and only the
//! last signature has to be verified.

use crate::{
    claims::{Claims, claim},
    exported::Exported,
    given_up::GivenUp,
    read_so_far::End,
};
use fourauth_audit::{Hash, checkpoint::Checkpoint, key::VerifyingKey};
use std::collections::BTreeSet;

/// Upper bound on notes that wait for verification, in bytes.
const MAX_WAITING: usize = 1 << 20;

/// Takes notes one after the other, in any order.
#[derive(Debug)]
pub struct Largest<'a> {
    key: &'a VerifyingKey,
    given_up: &'a GivenUp,
    /// The only claims that count, if not all do.
    only: Option<&'a BTreeSet<(u64, Hash)>>,
    claims: Claims,
    /// Not verified yet. Each claims a size larger than that of the one before, and of `found`.
    waiting: Vec<(u64, String)>,
    bytes: usize,
    found: Option<Exported>,
    notes: u64,
    has_own_key: bool,
}

/// Result of the search.
#[derive(Debug)]
pub struct Seen {
    /// Largest checkpoint that was not given up.
    pub largest: Option<Exported>,
    /// Number of notes, valid or not.
    pub notes: u64,
    /// True if this log's key signed any of the notes.
    pub has_own_key: bool,
    /// What all notes claim.
    pub claims: Claims,
    /// The end of what was read, if that is a file.
    pub end: Option<End>,
}

impl<'a> Largest<'a> {
    /// Counts checkpoints signed with `key`, except those in `given_up`.
    #[must_use]
    pub fn new(key: &'a VerifyingKey, given_up: &'a GivenUp) -> Self {
        Self {
            key,
            given_up,
            only: None,
            claims: Claims::default(),
            waiting: Vec::new(),
            bytes: 0,
            found: None,
            notes: 0,
            has_own_key: false,
        }
    }

    /// Counts only notes that claim one of these sizes and roots.
    #[must_use]
    pub(crate) const fn among(mut self, only: Option<&'a BTreeSet<(u64, Hash)>>) -> Self {
        self.only = only;
        self
    }

    /// Adds the next note.
    pub fn offer(&mut self, note: &str) {
        self.notes += 1;
        self.claims.add(note, self.key.name());
        let is_other = |only: &BTreeSet<_>| {
            claim(note, self.key.name()).is_none_or(|claim| !only.contains(&claim))
        };
        if self.only.is_some_and(is_other) {
            return;
        }
        let Some(size) = claimed(note) else { return };
        while self.waiting.last().is_some_and(|(other, _)| *other >= size) {
            self.open_last();
        }
        if self.found.as_ref().is_some_and(|found| found.checkpoint.size >= size) {
            return;
        }
        self.bytes += note.len();
        self.waiting.push((size, note.to_owned()));
        if self.bytes > MAX_WAITING {
            self.open_all();
        }
    }

    /// Verifies the notes that still wait, and returns the result.
    #[must_use]
    pub fn finish(mut self) -> Seen {
        self.open_all();
        let Self { found: largest, notes, has_own_key, claims, .. } = self;
        Seen { largest, notes, has_own_key, claims, end: None }
    }

    fn open_all(&mut self) {
        while !self.waiting.is_empty() {
            self.open_last();
        }
    }

    /// Verifies the waiting note that claims the largest size. If it counts, the others are
    /// dropped.
    fn open_last(&mut self) {
        let Some((_, note)) = self.waiting.pop() else { return };
        self.bytes -= note.len();
        let Ok(checkpoint) = Checkpoint::open(&note, self.key) else { return };
        self.has_own_key = true;
        if !self.given_up.covers(&checkpoint) {
            self.waiting.clear();
            self.bytes = 0;
            self.found = Some(Exported { checkpoint, note });
        }
    }
}

/// Size that a note claims.
fn claimed(note: &str) -> Option<u64> {
    note.split('\n').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_audit::key::SigningKey;
    use proptest::{collection::vec, prelude::*};

    const ORIGIN: &str = "fourauth/0011223344556677";

    fn note(seed: u8, size: u64) -> String {
        let at = "2026-11-21T10:00:00Z".to_owned();
        let origin = ORIGIN.to_owned();
        let key = SigningKey::from_seed(&[seed; 32]).unwrap();
        Checkpoint { origin, size, root: [9; 32], at, epoch: 2 }.sign(&key, None)
    }

    fn key() -> VerifyingKey {
        SigningKey::from_seed(&[1; 32]).unwrap().verifying_key(ORIGIN).unwrap()
    }

    fn seen(notes: &[String], given_up: &GivenUp) -> Seen {
        let key = key();
        let mut largest = Largest::new(&key, given_up);
        for note in notes {
            largest.offer(note);
            assert!(largest.bytes <= MAX_WAITING);
        }
        largest.finish()
    }

    #[test]
    fn notes_beyond_the_byte_budget_are_verified_early() {
        let notes: Vec<_> = (0..6000).map(|size| note(1, size)).collect();
        assert!(notes.iter().map(String::len).sum::<usize>() > MAX_WAITING);
        let seen = seen(&notes, &GivenUp::default());
        assert_eq!(seen.largest.unwrap().checkpoint.size, 5999);
        assert_eq!(seen.notes, 6000);
    }

    proptest! {
        #[test]
        fn the_largest_is_found_in_any_order_among_other_notes(
            notes in vec((1_u8..3, 0_u64..40), 0..40), lost in 0_u64..40, after in 0_u64..40,
        ) {
            let mut given_up = GivenUp::default();
            let text = note(1, lost);
            given_up.add(&Checkpoint::open(&text, &key()).unwrap(), after);
            let ours = |of: &(u8, u64)| (of.0 == 1).then_some(of.1);
            let counts = |size: &u64| *size <= after || *size > lost;
            let expected = notes.iter().filter_map(ours).filter(counts).max();
            let texts: Vec<_> = notes.iter().map(|(seed, size)| note(*seed, *size)).collect();
            let seen = seen(&texts, &given_up);
            prop_assert_eq!(seen.largest.map(|found| found.checkpoint.size), expected);
            prop_assert_eq!(seen.has_own_key, notes.iter().any(|(seed, _)| *seed == 1));
        }
    }
}
