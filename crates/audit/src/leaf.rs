//! One row of the audit log as a leaf of the tree.
//!
//! Name and detail enter as salted hashes, so that they can be erased and the leaf still computed.
//! Which rows there are, and whether they say what happened, is the writer's business.

use crate::Hash;
use minicbor::Encoder;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;

/// Version of this encoding: the first element of the array.
pub const VERSION: u8 = 1;

/// `previous` of the first leaf of a node.
pub const FIRST: Hash = [0; 32];

/// What a name and a detail are hashed with: random, one for each row, gone when the row is erased.
///
/// Without it a hash says nothing of a name, however few names there are to try.
pub type Salt = [u8; 16];

/// Before the encoding of a leaf, so that no leaf is an inner node (RFC 9162 §2.1.1).
const LEAF: u8 = 0;
/// Between salt and name.
const NAME: u8 = 1;
/// Between salt and detail.
const DETAIL: u8 = 2;
/// Room for the leaf of a usual row, in bytes: 160 and its texts.
const USUAL_SIZE: usize = 256;

/// A row, and its place in the chain of the server that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The row's id.
    pub id: i64,
    /// When, to the letter as the row has it.
    pub ts_utc: &'a str,
    /// [`name_hash`] of whom it is about; none if it names nobody.
    pub name: Option<Hash>,
    /// What was attempted.
    pub action: &'a str,
    /// Whether it succeeded.
    pub success: bool,
    /// [`detail_hash`] of what else it says.
    pub detail: Hash,
    /// The server that wrote it.
    pub node: &'a str,
    /// The how-manieth of that server's leaves this is, from 1.
    pub node_seq: i64,
    /// Hash of that server's leaf before; [`FIRST`] for none.
    pub previous: Hash,
}

impl Leaf<'_> {
    /// SHA-256 of a zero byte and [`Leaf::to_cbor`] (RFC 9162 §2.1.1).
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::new_with_prefix([LEAF]).chain_update(self.to_cbor()).finalize().into()
    }

    /// The leaf as one array of ten, in CBOR's deterministic encoding (RFC 8949 §4.2.1).
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(USUAL_SIZE));
        match self.encode(&mut encoder) {
            Ok(()) => encoder.into_writer(),
            Err(never) => unreachable!("writing to memory does not fail: {never}"),
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

/// SHA-256 of salt, the byte 1 and the name.
#[must_use]
pub fn name_hash(salt: &Salt, name: &str) -> Hash {
    salted(salt, NAME, name)
}

/// SHA-256 of salt, the byte 2 and the detail.
#[must_use]
pub fn detail_hash(salt: &Salt, detail: &str) -> Hash {
    salted(salt, DETAIL, detail)
}

fn salted(salt: &Salt, kind: u8, text: &str) -> Hash {
    Sha256::new_with_prefix(salt).chain_update([kind]).chain_update(text).finalize().into()
}

/// What the row of an erasure says of the rows that it erased: SHA-256 of their ids in ascending
/// order, eight bytes each, big-endian.
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
    fn the_leaf_of_the_document_is_this_one() {
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
    fn a_row_that_names_nobody_is_not_one_that_names_the_empty_name() {
        let nobody = Leaf { name: None, ..example() };
        let empty = Leaf { name: Some(name_hash(&[0; 16], "")), ..example() };
        assert_ne!(nobody.hash(), empty.hash());
    }

    #[test]
    fn name_and_detail_do_not_stand_for_one_another() {
        assert_ne!(name_hash(&[7; 16], "ok"), detail_hash(&[7; 16], "ok"));
    }

    #[test]
    fn an_erasure_of_nothing_has_the_digest_of_nothing() {
        assert_eq!(erasure_digest([].into_iter()), <Hash>::from(Sha256::digest(b"")));
    }

    proptest! {
        #[test]
        fn integers_are_as_short_as_they_can_be(id in any::<i64>()) {
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
            prop_assert_eq!(cbor[2 + length], 0x78, "then a text of 24 bytes");
        }

        #[test]
        fn every_field_counts(id in any::<i64>(), seq in any::<i64>(), text in "\\PC{0,40}") {
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
