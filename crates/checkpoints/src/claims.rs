//! What notes claim about the tree, before their signatures are verified.
//!
//! A claim that the tree in the database confirms needs no signature. Only one that it contradicts
//! does: without a valid signature it says nothing.

use data_encoding::BASE64;
use fourauth_audit::Hash;
use fourauth_store::{Error, Store};
use std::collections::BTreeSet;

/// Most claims that are kept, about 40 MiB. Of more, those of the larger trees are kept.
const MAX: usize = 1_000_000;

/// Sizes and roots, each once.
#[derive(Debug, Default)]
pub struct Claims(Vec<(u64, Hash)>);

impl Claims {
    /// Adds the claim of a note, if it has the form of one by this origin.
    pub(crate) fn add(&mut self, note: &str, origin: &str) {
        self.0.extend(claim(note, origin));
        if self.0.len() >= 2 * MAX {
            self.shrink();
        }
    }

    /// Adds all claims of another collection.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
        self.shrink();
    }

    fn shrink(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.drain(..self.0.len().saturating_sub(MAX));
    }

    /// Claims that the tree in `store` has grown past, and contradicts.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub(crate) async fn contradicted(
        mut self,
        store: &Store,
    ) -> Result<BTreeSet<(u64, Hash)>, Error> {
        self.shrink();
        let has = store.tree_size().await?;
        self.0.retain(|(size, _)| *size <= has);
        let sizes: Vec<u64> = self.0.iter().map(|(size, _)| *size).collect();
        let roots = store.roots_at(&sizes).await?;
        let wrong = |(told, root): &((u64, Hash), Option<Hash>)| *root != Some(told.1);
        Ok(self.0.into_iter().zip(roots).filter(wrong).map(|(told, _)| told).collect())
    }
}

/// Size and root that a note claims.
pub(crate) fn claim(note: &str, origin: &str) -> Option<(u64, Hash)> {
    let mut lines = note.split('\n');
    let is_ours = lines.next() == Some(origin);
    let size = lines.next()?.parse().ok().filter(|_| is_ours)?;
    Some((size, BASE64.decode(lines.next()?.as_bytes()).ok()?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(size: u64) -> String {
        format!("fourauth/ab\n{size}\n{}\nmore\n", BASE64.encode(&[9; 32]))
    }

    #[test]
    fn only_notes_of_this_log_are_claims() {
        assert_eq!(claim(&note(3), "fourauth/ab"), Some((3, [9; 32])));
        assert_eq!(claim(&note(3), "fourauth/a"), None);
        for other in ["", "fourauth/ab\n3\n", "fourauth/ab\nx\nCQk=\n", "fourauth/ab\n3\nCQk=\n"] {
            assert_eq!(claim(other, "fourauth/ab"), None, "{other}");
        }
    }

    #[test]
    fn too_many_claims_leave_those_of_the_largest_trees() {
        let mut claims = Claims::default();
        let all = u64::try_from(2 * MAX).unwrap();
        for size in 0..all {
            claims.0.push((size, [9; 32]));
        }
        claims.add(&note(all), "fourauth/ab");
        assert_eq!(claims.0.len(), MAX);
        assert_eq!(claims.0.last(), Some(&(all, [9; 32])));
    }
}
