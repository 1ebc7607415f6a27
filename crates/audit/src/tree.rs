//! The Merkle tree of RFC 9162 §2.1, grown at its right edge.
//!
//! Only the frontier is kept: one hash for each bit that is set in the size. Proofs are in `proof`.
//!
//! <https://www.rfc-editor.org/rfc/rfc9162#section-2.1>

use crate::Hash;
use sha2::{Digest as _, Sha256};

/// Hash prefix of an inner node (RFC 9162 §2.1.1).
const NODE: u8 = 1;

/// The hash of an inner node with these children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([NODE]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The root of the tree of these leaf hashes.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The right edge of a tree: the state that is needed to append leaves.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, largest first: one for each bit that is set in `size`.
    hashes: Vec<Hash>,
    /// Roots of the subtrees that the last push completed, by level. The first is the leaf.
    completed: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves: the roots of its perfect subtrees, left to right.
    ///
    /// `None` if the number of hashes does not match the size, or the size exceeds `i64::MAX`.
    #[must_use]
    pub fn new(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        let is_whole = usize::try_from(size.count_ones()) == Ok(hashes.len());
        (is_whole && i64::try_from(size).is_ok()).then_some(Self {
            size,
            hashes,
            completed: Vec::new(),
        })
    }

    /// Reads the bytes that [`Frontier::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if rest.is_empty() { Self::new(size, hashes.to_vec()) } else { None }
    }

    /// The hashes from left to right. The caller has to store the size separately.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.as_flattened().to_vec()
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.completed.clear();
        self.completed.push(leaf);
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            self.completed.push(hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The root. The perfect subtrees are joined from the smallest to the largest.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.hashes.iter().rev();
        smallest_first.next().map_or_else(empty_root, |smallest| {
            smallest_first.fold(*smallest, |right, left| node_hash(left, &right))
        })
    }

    /// The root of the subtree of 2^`level` leaves, if the last push completed one.
    ///
    /// `None` at every level after [`Self::new`] and [`Self::from_bytes`].
    #[must_use]
    pub fn perfect(&self, level: u32) -> Option<&Hash> {
        self.completed.get(usize::try_from(level).ok()?)
    }
}

/// Compares size and hashes. Equal trees stay equal if the same leaves are appended to both.
impl PartialEq for Frontier {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.hashes == other.hashes
    }
}

impl Eq for Frontier {}

/// Test vectors of the reference implementations of Certificate Transparency: eight leaves.
#[cfg(test)]
pub(crate) mod vectors {
    use crate::Hash;
    use data_encoding::HEXLOWER;
    use sha2::{Digest as _, Sha256};

    pub(crate) const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];

    /// Roots of the trees of the first one, two, … eight leaves.
    pub(crate) const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    pub(crate) fn hash(hex: &str) -> Hash {
        HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }

    pub(crate) fn leaves() -> Vec<Hash> {
        let leaf = |hex: &str| {
            let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
            Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
        };
        LEAVES.map(leaf).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::{vectors::*, *};
    use proptest::{collection::vec, prelude::*};

    /// The definition of RFC 9162 §2.1.1: the tree is split at the largest power of two.
    fn defined_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                node_hash(&defined_root(left), &defined_root(right))
            }
        }
    }

    #[test]
    fn the_empty_tree_has_the_root_of_nothing() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Frontier::default().root(), hash(empty));
    }

    #[test]
    fn roots_match_the_vectors() {
        let mut frontier = Frontier::default();
        for (leaf, root) in leaves().into_iter().zip(ROOTS) {
            frontier.push(leaf);
            assert_eq!(frontier.root(), hash(root), "{} leaves", frontier.size());
        }
    }

    #[test]
    fn a_push_completes_the_subtrees_that_end_with_it() {
        let mut frontier = Frontier::default();
        let leaves = leaves();
        for leaf in &leaves[..7] {
            frontier.push(*leaf);
        }
        assert_eq!(frontier.perfect(0), Some(&leaves[6]));
        assert_eq!(frontier.perfect(1), None);
        frontier.push(leaves[7]);
        assert_eq!(frontier.perfect(2), Some(&defined_root(&leaves[4..])));
        assert_eq!(frontier.perfect(3), Some(&hash(ROOTS[7])));
        assert_eq!(frontier.perfect(4), None);
        assert_eq!(frontier.perfect(u32::MAX), None);
    }

    #[test]
    fn a_frontier_of_the_wrong_length_is_refused() {
        assert_eq!(Frontier::new(3, vec![[0; 32]]), None);
        assert_eq!(Frontier::from_bytes(1, &[0; 33]), None);
        assert_eq!(Frontier::from_bytes(0, &[]), Some(Frontier::default()));
    }

    proptest! {
        #[test]
        fn the_frontier_has_the_root_that_the_rfc_defines(leaves in vec(any::<Hash>(), 0..200)) {
            prop_assert_eq!(root(&leaves), defined_root(&leaves));
        }

        #[test]
        fn a_stored_frontier_grows_like_one_in_memory(
            leaves in vec(any::<Hash>(), 0..70), more in vec(any::<Hash>(), 0..70),
        ) {
            let mut kept = Frontier::default();
            for leaf in &leaves {
                kept.push(*leaf);
            }
            let mut read = Frontier::from_bytes(kept.size(), &kept.to_bytes()).unwrap();
            for leaf in more {
                kept.push(leaf);
                read.push(leaf);
            }
            prop_assert_eq!(kept.root(), read.root());
            prop_assert_eq!(kept, read);
        }
    }
}
