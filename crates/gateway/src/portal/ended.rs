//! Tokens of sessions that have ended. A browser may show one until it has read the answer that removes
//! its cookie, and the server would count each of them as a guess.
//!
//! A session that has ended does not begin again, so an entry is never wrong. Only hashes are kept, with
//! keys of this process.

use std::{
    collections::VecDeque,
    fmt,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most tokens that are kept. The oldest is forgotten first.
const MOST: usize = 4096;

/// Tokens that the server has refused.
#[derive(Default)]
pub(crate) struct Ended {
    keys: RandomState,
    hashes: Mutex<VecDeque<u64>>,
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").finish_non_exhaustive()
    }
}

impl Ended {
    /// True if the server has refused this token of this visitor before. A session may be bound to the
    /// address of another one, where it goes on.
    pub(super) fn contains(&self, token: &str, peer: IpAddr) -> bool {
        self.hashes().contains(&self.hash(token, peer))
    }

    /// Remembers that the server has refused it.
    pub(super) fn note(&self, token: &str, peer: IpAddr) {
        let hash = self.hash(token, peer);
        let mut hashes = self.hashes();
        if hashes.len() == MOST {
            hashes.pop_front();
        }
        hashes.push_back(hash);
    }

    fn hash(&self, token: &str, peer: IpAddr) -> u64 {
        self.keys.hash_one((token, peer))
    }

    fn hashes(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_remembered_for_its_visitor() {
        let (ended, here, there) = (Ended::default(), [192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        ended.note("t", here);
        assert!(ended.contains("t", here));
        assert!(!ended.contains("t", there) && !ended.contains("u", here));
    }

    #[test]
    fn the_oldest_token_is_forgotten_first() {
        let (ended, here) = (Ended::default(), [192, 0, 2, 1].into());
        (0..=MOST).for_each(|number| ended.note(&number.to_string(), here));
        assert!(!ended.contains("0", here) && ended.contains("1", here));
        assert_eq!(ended.hashes().len(), MOST);
    }
}
