//! Proofs that a leaf is in a tree, and that a tree is the beginning of a larger one.
//!
//! A proof is described as ranges of leaves, so a caller that stores the roots of subtrees need not
//! read all leaves. This module does not check signatures.
//!
//! <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3>

use crate::{
    Hash,
    tree::{empty_root, node_hash, root},
};
use std::ops::Range;

/// The leaves under each hash of the proof that leaf `index` is in the tree of `size` leaves.
///
/// The hash of a range is the root of the tree of only its leaves. `None` if there is no such leaf.
#[must_use]
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut around = 0..size;
    let mut ranges = Vec::new();
    while around.end - around.start > 1 {
        let (left, right) = halves(&around);
        let other = if left.contains(&index) { right.clone() } else { left.clone() };
        around = if left.contains(&index) { left } else { right };
        ranges.push(other);
    }
    ranges.reverse();
    Some(ranges)
}

/// The leaves under each hash of the proof that the tree of `old` leaves is the beginning of the
/// tree of `size` leaves (RFC 9162 §2.1.4.1).
///
/// `None` if the old tree is larger. The proof is empty if both sizes are equal or `old` is 0.
#[must_use]
pub fn consistency_ranges(old: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if old > size {
        return None;
    }
    let mut around = 0..size;
    let mut ranges = Vec::new();
    while old > 0 && around.end > old {
        let (left, right) = halves(&around);
        let other = if old <= left.end { right.clone() } else { left.clone() };
        around = if old <= left.end { left } else { right };
        ranges.push(other);
    }
    // The rest is the end of the old tree. If it is all of the old tree, its root is known.
    if around.start > 0 {
        ranges.push(around);
    }
    ranges.reverse();
    Some(ranges)
}

/// Splits the leaves at the largest power of two below their number (RFC 9162 §2.1.1).
fn halves(leaves: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let highest = (leaves.end - leaves.start - 1).ilog2();
    let middle = leaves.start + (1 << highest);
    (leaves.start..middle, middle..leaves.end)
}

/// The proof that leaf `index` is in the tree of these leaf hashes.
#[must_use]
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Option<Vec<Hash>> {
    roots(leaves, &inclusion_ranges(index, size(leaves)?)?)
}

/// The proof that the tree of the first `old` leaf hashes is the beginning of the tree of all.
#[must_use]
pub fn consistency_proof(leaves: &[Hash], old: u64) -> Option<Vec<Hash>> {
    roots(leaves, &consistency_ranges(old, size(leaves)?)?)
}

fn size(leaves: &[Hash]) -> Option<u64> {
    u64::try_from(leaves.len()).ok()
}

fn roots(leaves: &[Hash], ranges: &[Range<u64>]) -> Option<Vec<Hash>> {
    let of = |range: &Range<u64>| {
        let [start, end] = [range.start, range.end].map(usize::try_from);
        leaves.get(start.ok()?..end.ok()?).map(root)
    };
    ranges.iter().map(of).collect()
}

/// True if `proof` shows that `leaf` is at `index` in the tree of `size` leaves with this root
/// (RFC 9162 §2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let mut path = Path { first: index, last: size - 1 };
    let mut hash = *leaf;
    for other in proof {
        match path.step() {
            Some(Side::Left) => hash = node_hash(other, &hash),
            Some(Side::Right) => hash = node_hash(&hash, other),
            None => return false,
        }
    }
    path.last == 0 && hash == *root
}

/// True if `proof` shows that the tree of `old` leaves with root `old_root` is the beginning of the
/// tree of `size` leaves with root `root` (RFC 9162 §2.1.4.2).
#[must_use]
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> bool {
    if old == 0 || old == size {
        let is_same = if old == size { root == old_root } else { *old_root == empty_root() };
        return proof.is_empty() && is_same;
    }
    // If the old tree is perfect, its root is the first hash.
    let whole = old.is_power_of_two().then_some(*old_root);
    let mut hashes = whole.iter().chain(proof);
    let (Some(&first), true) = (hashes.next(), old < size) else { return false };
    let shared = (old - 1).trailing_ones();
    let mut path = Path { first: (old - 1) >> shared, last: (size - 1) >> shared };
    let (mut before, mut after) = (first, first);
    for other in hashes {
        match path.step() {
            Some(Side::Left) => {
                before = node_hash(other, &before);
                after = node_hash(other, &after);
            }
            Some(Side::Right) => after = node_hash(&after, other),
            None => return false,
        }
    }
    path.last == 0 && before == *old_root && after == *root
}

/// Position on the path from a leaf to the root: the index of the hash, and of the last hash, at
/// one level of the tree.
struct Path {
    first: u64,
    last: u64,
}

/// The side of the other hash.
enum Side {
    Left,
    Right,
}

impl Path {
    /// Moves up by one hash; `None` at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let is_right = self.first & 1 == 1 || self.first == self.last;
        if is_right && self.first & 1 == 0 {
            // The last hash of a level has no sibling: it moves up until it has one.
            let alone = self.first.trailing_zeros();
            self.first >>= alone;
            self.last >>= alone;
        }
        self.first >>= 1;
        self.last >>= 1;
        Some(if is_right { Side::Left } else { Side::Right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::vectors::{self, ROOTS, hash};
    use proptest::{collection::vec, prelude::*};

    const FIRST_OF_EIGHT: [&str; 3] = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    const SIXTH_OF_EIGHT: [&str; 3] = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    const THIRD_OF_THREE: [&str; 1] =
        ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"];
    const SECOND_OF_FIVE: [&str; 3] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];
    const SIX_TO_EIGHT: [&str; 3] = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    const TWO_TO_FIVE: [&str; 2] = [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];

    fn hashes(texts: &[&str]) -> Vec<Hash> {
        texts.iter().map(|text| hash(text)).collect()
    }

    #[test]
    fn inclusion_proofs_match_the_vectors() {
        let leaves = vectors::leaves();
        let vectors: [(u64, usize, &[&str]); 4] = [
            (0, 8, &FIRST_OF_EIGHT),
            (5, 8, &SIXTH_OF_EIGHT),
            (2, 3, &THIRD_OF_THREE),
            (1, 5, &SECOND_OF_FIVE),
        ];
        for (index, size, proof) in vectors {
            assert_eq!(inclusion_proof(&leaves[..size], index), Some(hashes(proof)), "{index}");
        }
    }

    #[test]
    fn consistency_proofs_match_the_vectors() {
        let leaves = vectors::leaves();
        assert_eq!(consistency_proof(&leaves, 6), Some(hashes(&SIX_TO_EIGHT)));
        assert_eq!(consistency_proof(&leaves[..5], 2), Some(hashes(&TWO_TO_FIVE)));
        assert_eq!(consistency_proof(&leaves, 8), Some(Vec::new()));
        let (old, new) = (hash(ROOTS[5]), hash(ROOTS[7]));
        assert!(verify_consistency(6, &old, 8, &new, &hashes(&SIX_TO_EIGHT)));
    }

    #[test]
    fn there_is_no_proof_for_a_missing_leaf_or_a_smaller_tree() {
        assert_eq!(inclusion_proof(&vectors::leaves(), 8), None);
        assert_eq!(consistency_proof(&vectors::leaves(), 9), None);
        assert!(!verify_inclusion(&[0; 32], 0, 0, &[], &empty_root()));
        assert!(!verify_consistency(9, &[0; 32], 8, &[0; 32], &[[0; 32]]));
    }

    #[test]
    fn ranges_of_the_largest_trees_do_not_overflow() {
        assert_eq!(inclusion_ranges(u64::MAX - 1, u64::MAX).map(|ranges| ranges.len()), Some(63));
        assert!(consistency_ranges(u64::MAX - 1, u64::MAX).is_some());
    }

    proptest! {
        #[test]
        fn every_leaf_has_a_valid_inclusion_proof(
            leaves in vec(any::<Hash>(), 1..80), at in any::<u64>(), wrong in any::<Hash>(),
        ) {
            let size = leaves.len() as u64;
            let index = at % size;
            let leaf = leaves[usize::try_from(index).unwrap()];
            let proof = inclusion_proof(&leaves, index).unwrap();
            let root = root(&leaves);
            prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root));
            prop_assert!(!verify_inclusion(&wrong, index, size, &proof, &root));
            prop_assert!(!verify_inclusion(&leaf, index, size, &proof, &wrong));
            prop_assert!(size == 1 || !verify_inclusion(&leaf, (index + 1) % size, size, &proof, &root));
            let longer: Vec<_> = proof.iter().copied().chain([wrong]).collect();
            prop_assert!(!verify_inclusion(&leaf, index, size, &longer, &root));
        }

        #[test]
        fn every_beginning_has_a_valid_consistency_proof(
            leaves in vec(any::<Hash>(), 0..80), at in any::<usize>(), wrong in any::<Hash>(),
        ) {
            let old = at % (leaves.len() + 1);
            let (before, after) = (root(&leaves[..old]), root(&leaves));
            let (old, size) = (old as u64, leaves.len() as u64);
            let proof = consistency_proof(&leaves, old).unwrap();
            prop_assert!(verify_consistency(old, &before, size, &after, &proof));
            prop_assert!(!verify_consistency(old, &wrong, size, &after, &proof));
            prop_assert!(old == 0 || !verify_consistency(old, &before, size, &wrong, &proof));
        }

        #[test]
        fn no_proof_makes_the_verifier_panic(
            old in any::<u64>(), size in any::<u64>(), proof in vec(any::<Hash>(), 0..70),
        ) {
            prop_assert!(!verify_consistency(old, &[1; 32], size, &[2; 32], &proof));
            prop_assert!(!verify_inclusion(&[1; 32], old, size, &proof, &[2; 32]));
        }
    }
}
