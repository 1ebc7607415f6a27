//! A row of the audit log as a leaf of the tree.
//!
//! The leaf contains salted hashes of the name and the detail. So both can be erased from the row
//! and the leaf can still be computed. The writer is responsible for the content of the rows.

use crate::Hash;
use minicbor::Encoder;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;

/// Version of this encoding: the first element of the array.
pub const VERSION: u8 = 1;

/// Value of `previous` in the first leaf of a node.
pub const FIRST: Hash = [0; 32];

/// Random salt of one row, for the hashes of its name and detail. Deleted when the row is erased.
///
/// Without the salt, a hash reveals nothing about the name, even if every possible name is tried.
pub type Salt = [u8; 16];

/// Hash prefix of a leaf, so that no leaf is also an inner node (RFC 9162 §2.1.1).
const LEAF: u8 = 0;
/// Separates salt and name.
const NAME: u8 = 1;
/// Separates salt and detail.
const DETAIL: u8 = 2;
/// Initial buffer size for a leaf, in bytes: 160 plus the texts of a typical row.
const USUAL_SIZE: usize = 256;

/// A row and its place in the chain of the server that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The row's id.
    pub id: i64,
    /// Time of the row, exactly as the row has it.
    pub ts_utc: &'a str,
    /// [`name_hash`] of the row's username; `None` if the row has no username.
    pub name: Option<Hash>,
    /// The attempted action.
    pub action: &'a str,
    /// True if the action succeeded.
    pub success: bool,
    /// [`detail_hash`] of the row's detail.
    pub detail: Hash,
    /// The server that wrote it.
    pub node: &'a str,
    /// Sequence number of this leaf among the leaves of that server, from 1.
    pub node_seq: i64,
    /// Hash of that server's previous leaf, or [`FIRST`].
    pub previous: Hash,
}

impl Leaf<'_> {
    /// SHA-256 of a zero byte and [`Leaf::to_cbor`] (RFC 9162 §2.1.1).
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::new_with_prefix([LEAF]).chain_update(self.to_cbor()).finalize().into()
    }

    /// The leaf as a CBOR array of ten, in deterministic encoding (RFC 8949 §4.2.1).
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(USUAL_SIZE));
        match self.encode(&mut encoder) {
            Ok(()) => encoder.into_writer(),
            Err(never) => unreachable!("writing to memory cannot fail: {never}"),
        }
    }

    fn encode(
        &self,
        encoder: &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<Infallible>> {
        encoder.array(10)?.u8(VERSION)?.i64(self.id)?.str(self.ts_utc)?;
        match &self.name {
            Some(hash) => encoder.bytes(hash)?,
            None => encoder.null()?,
        };
        encoder.str(self.action)?.bool(self.success)?.bytes(&self.detail)?;
        encoder.str(self.node)?.i64(self.node_seq)?.bytes(&self.previous)?;
        Ok(())
    }
}

/// SHA-256 of the salt, the byte 1 and the name.
#[must_use]
pub fn name_hash(salt: &Salt, name: &str) -> Hash {
    salted(salt, NAME, name)
}

/// SHA-256 of the salt, the byte 2 and the detail.
#[must_use]
pub fn detail_hash(salt: &Salt, detail: &str) -> Hash {
    salted(salt, DETAIL, detail)
}

fn salted(salt: &Salt, kind: u8, text: &str) -> Hash {
    Sha256::new_with_prefix(salt).chain_update([kind]).chain_update(text).finalize().into()
}

/// Digest of the erased rows that an erasure's row records.
///
/// SHA-256 of the ids in ascending order, eight bytes each, big-endian.
#[must_use]
pub fn erasure_digest(ids: impl Iterator<Item = i64>) -> Hash {
    ids.fold(Sha256::new(), |digest, id| digest.chain_update(id.to_be_bytes())).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn example() -> Leaf<'static> {
        let salt = core::array::from_fn(|index| u8::try_from(index).unwrap());
        Leaf {
            id: 24,
            ts_utc: "2026-11-21T10:00:00.123Z",
            name: Some(name_hash(&salt, "ada")),
            action: "login",
            success: true,
            detail: detail_hash(&salt, "ok"),
            node: "self",
            node_seq: 1,
            previous: FIRST,
        }
    }

    #[test]
    fn the_example_in_the_document_is_correct() {
        let document = include_str!("../../../docs/AUDIT.md");
        let leaf = example();
        let name = leaf.name.unwrap();
        for bytes in [&name[..], &leaf.detail, &leaf.to_cbor(), &leaf.hash()] {
            let hex = HEXLOWER.encode(bytes);
            let printed = document.split_whitespace().collect::<String>();
            assert!(printed.contains(&hex), "{hex}");
        }
    }

    #[test]
    fn no_username_and_an_empty_username_have_different_hashes() {
        let unnamed = Leaf { name: None, ..example() };
        let empty = Leaf { name: Some(name_hash(&[0; 16], "")), ..example() };
        assert_ne!(unnamed.hash(), empty.hash());
    }

    #[test]
    fn a_name_and_a_detail_have_different_hashes() {
        assert_ne!(name_hash(&[7; 16], "ok"), detail_hash(&[7; 16], "ok"));
    }

    #[test]
    fn an_erasure_without_rows_has_the_digest_of_nothing() {
        assert_eq!(erasure_digest([].into_iter()), <Hash>::from(Sha256::digest(b"")));
    }

    proptest! {
        #[test]
        fn integers_have_the_shortest_encoding(id in any::<i64>()) {
            let cbor = Leaf { id, ..example() }.to_cbor();
            // The head of the array, the version, then the id: RFC 8949 §3.1.
            let argument = id.unsigned_abs() - u64::from(id < 0);
            let length = match argument {
                0..=23 => 1,
                24..=0xff => 2,
                0x100..=0xffff => 3,
                0x1_0000..=0xffff_ffff => 5,
                _ => 9,
            };
            prop_assert_eq!(&cbor[..2], &[0x8a, 0x01]);
            prop_assert_eq!(cbor[2 + length], 0x78, "the next element is a text of 24 bytes");
        }

        #[test]
        fn every_field_is_hashed(id in any::<i64>(), seq in any::<i64>(), text in "\\PC{0,40}") {
            let leaf = example();
            let changed = [
                (id != leaf.id, Leaf { id, ..leaf }),
                (seq != leaf.node_seq, Leaf { node_seq: seq, ..leaf }),
                (text != leaf.ts_utc, Leaf { ts_utc: &text, ..leaf }),
                (text != leaf.action, Leaf { action: &text, ..leaf }),
                (text != leaf.node, Leaf { node: &text, ..leaf }),
                (true, Leaf { success: false, ..leaf }),
                (true, Leaf { previous: [1; 32], ..leaf }),
                (true, Leaf { detail: [1; 32], ..leaf }),
                (true, Leaf { name: None, ..leaf }),
            ];
            for (differs, other) in changed {
                prop_assert_eq!(differs, other.hash() != leaf.hash());
            }
        }
    }
}
