//! A proof holds as it was made, and in no other form.

use super::*;
use crate::{Frontier, SigningKey, epoch::EpochKey, leaf::FIRST, proof::inclusion_proof};
use proptest::prelude::*;

const ORIGIN: &str = "fourauth/00112233aabbccdd";
const ROWS: usize = 7;

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn key() -> VerifyingKey {
    signing_key(1).verifying_key(ORIGIN).unwrap()
}

fn row() -> ProvenRow {
    ProvenRow {
        id: 24,
        ts_utc: "2026-11-21T10:00:00.123Z".into(),
        username: Some("ada".into()),
        action: "login".into(),
        success: true,
        detail: "Login successful. \"ü\" \u{1}\u{7f}\u{202e}\u{1f511}".into(),
        node: "self".into(),
        node_seq: 5,
        previous: Hex(FIRST),
        salt: Some(Hex([0xab; 16])),
        name_hash: None,
        detail_hash: None,
    }
}

/// The row without its texts, as an erasure leaves it. Its leaf is the same.
fn erased() -> ProvenRow {
    let (name, detail) = row().hashes().unwrap();
    ProvenRow {
        username: None,
        detail: String::new(),
        salt: None,
        name_hash: name.map(Hex),
        detail_hash: Some(Hex(detail)),
        ..row()
    }
}

/// The checkpoint of a tree with the row's leaf at position 4, and the path to it.
fn signed(with: &SigningKey) -> (String, Vec<Hash>) {
    let mut leaves: Vec<Hash> =
        (0..ROWS).map(|number| [u8::try_from(number).unwrap(); 32]).collect();
    leaves[4] = row().leaf_hash().unwrap();
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(*leaf);
    }
    let (size, at) = (frontier.size(), "2026-11-21T10:00:01Z".to_owned());
    let checkpoint =
        Checkpoint { origin: ORIGIN.into(), size, root: frontier.root(), at, epoch: 2 };
    let note = checkpoint.sign(with, Some(&EpochKey::new(2, [5; 32])));
    (note, inclusion_proof(&leaves, 4).unwrap())
}

fn proof() -> RowProof {
    let (note, path) = signed(&signing_key(1));
    RowProof::new(row(), (4, &path), &note, &key()).unwrap()
}

/// True if the bytes are accepted as a proof.
fn is_accepted(bytes: &[u8]) -> bool {
    let read = str::from_utf8(bytes).ok().and_then(|text| RowProof::parse(text).ok());
    read.is_some_and(|proof| proof.check(&key()).is_ok())
}

#[test]
fn a_proof_holds_as_it_was_made() {
    let text = proof().to_text();
    assert!(text.starts_with(BEGINNING) && text.ends_with("}\n"), "{text}");
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{text}");
    let read = RowProof::parse(&text).unwrap();
    assert_eq!(read, proof());
    assert_eq!(read.check(&key()).unwrap().size, ROWS as u64);
}

#[test]
fn a_proof_with_any_bit_changed_is_refused() {
    let mut bytes = proof().to_text().into_bytes();
    assert!(is_accepted(&bytes));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(!is_accepted(&bytes), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
}

#[test]
fn a_proof_with_a_byte_more_or_less_is_refused() {
    let bytes = proof().to_text().into_bytes();
    for at in 0..bytes.len() {
        let shorter = [&bytes[..at], &bytes[at + 1..]].concat();
        assert!(!is_accepted(&shorter), "without byte {at}");
        assert!(!is_accepted(&bytes[..at]), "cut at {at}");
        for more in b" \n\t0\"\\" {
            let longer = [&bytes[..at], &[*more], &bytes[at..]].concat();
            assert!(!is_accepted(&longer), "{more} before byte {at}");
        }
    }
    assert!(!is_accepted(&[&bytes[..], b"\n"].concat()));
}

proptest! {
    #[test]
    fn a_proof_with_another_byte_is_refused(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = proof().to_text().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(!is_accepted(&bytes));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text: String) {
        let _refused = RowProof::parse(&text);
    }
}

#[test]
fn a_proof_keeps_no_signature_that_its_reader_cannot_check() {
    let (note, path) = signed(&signing_key(1));
    assert_eq!(Note::parse(&note).unwrap().signatures().len(), 2);
    let proof = proof();
    assert_eq!(Note::parse(&proof.checkpoint).unwrap().signatures().len(), 1);
    let path = path.into_iter().map(Hex).collect();
    let whole = RowProof { checkpoint: note, path, ..proof };
    assert_eq!(whole.check(&key()), Err(RowProofError::OtherSignatures));
}

#[test]
fn a_proof_signed_with_another_key_is_refused() {
    let (note, path) = signed(&signing_key(2));
    let theirs = signing_key(2).verifying_key(ORIGIN).unwrap();
    let proof = RowProof::new(row(), (4, &path), &note, &theirs).unwrap();
    assert_eq!(proof.check(&key()), Err(RowProofError::Checkpoint(CheckpointError::Unsigned)));
}

#[test]
fn no_proof_is_made_of_another_row_or_place() {
    let (note, path) = signed(&signing_key(1));
    let not_covered = Err(RowProofError::NotCovered { size: ROWS as u64 });
    let other = ProvenRow { detail: "Login failed.".into(), ..row() };
    assert_eq!(RowProof::new(other, (4, &path), &note, &key()), not_covered);
    assert_eq!(RowProof::new(row(), (3, &path), &note, &key()), not_covered);
}

#[test]
fn an_erased_row_has_a_proof_without_its_texts() {
    let (note, path) = signed(&signing_key(1));
    let proof = RowProof::new(erased(), (4, &path), &note, &key()).unwrap();
    assert!(!proof.to_text().contains("ada"));
    assert!(is_accepted(proof.to_text().as_bytes()));
    let named = ProvenRow { username: Some("eve".into()), ..erased() };
    let made = RowProof::new(named, (4, &path), &note, &key());
    assert_eq!(made, Err(RowProofError::Row));
}

/// The row, the log and the key of the examples in the document.
fn example() -> (VerifyingKey, RowProof) {
    let row = ProvenRow {
        detail: "ok".into(),
        node_seq: 1,
        salt: Some(Hex(std::array::from_fn(|at| u8::try_from(at).unwrap()))),
        ..row()
    };
    let leaves = [[1; 32], row.leaf_hash().unwrap(), [2; 32]];
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(*leaf);
    }
    let (root, at) = (frontier.root(), "2026-11-21T10:00:01Z".to_owned());
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 3, root, at, epoch: 2 };
    let (note, path) =
        (checkpoint.sign(&signing_key(1), None), inclusion_proof(&leaves, 1).unwrap());
    (key(), RowProof::new(row, (1, &path), &note, &key()).unwrap())
}

#[test]
fn the_example_in_the_document_holds() {
    let (key, proof) = example();
    let document = include_str!("../../../../docs/AUDIT.md");
    assert!(document.contains(&format!("\n`{key}`:\n")), "{key}");
    assert!(document.contains(&format!("\n{}```", proof.to_text())), "{}", proof.to_text());
}
