//! The proof of one row, as one file: its text, its salt, its path in the tree and a signed checkpoint.
//!
//! The file is one line of JSON in a single accepted form, so that no byte of it can be changed without
//! a refusal. It is for a reader without access to the log. It does not prove that the log has no
//! other rows, or that the row is true.

use crate::{
    Checkpoint, Hash, Leaf, Note, Salt, VerifyingKey,
    checkpoint::CheckpointError,
    leaf::{detail_hash, name_hash},
    note::signature_line,
    proof::verify_inclusion,
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt::Write as _;

/// Beginning of every proof, by which readers recognise it.
pub const BEGINNING: &str = "{\"fourauth_proof\":";

/// Longest proof that is read, in bytes: a path has at most 64 hashes, and a row a few kilobytes.
pub const MAX_PROOF: usize = 1 << 20;

/// Version of the format.
const VERSION: u32 = 1;

/// A row, and the evidence that a checkpoint covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowProof {
    fourauth_proof: u32,
    /// The row.
    pub row: ProvenRow,
    /// Position of its leaf in the tree, from 0.
    pub position: u64,
    path: Vec<Hex<32>>,
    checkpoint: String,
}

/// A row of the audit log, with everything else that its leaf is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenRow {
    /// Its number.
    pub id: i64,
    /// Its time, as the row has it.
    pub ts_utc: String,
    /// The claimed name. `None` also if it was erased.
    pub username: Option<String>,
    /// The attempted action.
    pub action: String,
    /// True if the action succeeded.
    pub success: bool,
    /// The reason, and the finding of each factor. Empty if it was erased.
    pub detail: String,
    /// The server that wrote it.
    pub node: String,
    /// Sequence number of its leaf among those of that server.
    pub node_seq: i64,
    /// Hash of that server's previous leaf.
    pub previous: Hex<32>,
    /// The salt of the hashes of name and detail, unless they were erased.
    pub salt: Option<Hex<16>>,
    /// The hash of the name, if there was a name and it was erased.
    pub name_hash: Option<Hex<32>>,
    /// The hash of the detail, if it was erased.
    pub detail_hash: Option<Hex<32>>,
}

/// Bytes, written as lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl RowProof {
    /// Makes the proof of a row from its path in the tree of `note`, and checks it.
    ///
    /// Of the signatures, only that of `key` is kept: a reader could not check the others, and a change
    /// of theirs would go unnoticed.
    ///
    /// # Errors
    ///
    /// [`RowProofError`] if the checkpoint is not of this key, or does not cover the row.
    pub fn new(
        row: ProvenRow,
        (position, path): (u64, &[Hash]),
        note: &str,
        key: &VerifyingKey,
    ) -> Result<Self, RowProofError> {
        let path = path.iter().copied().map(Hex).collect();
        let checkpoint = signed_only_by(key, note)?;
        let proof = Self { fourauth_proof: VERSION, row, position, path, checkpoint };
        proof.check(key).map(|_| proof)
    }

    /// Reads the text of a proof. It is not checked yet: see [`Self::check`].
    ///
    /// # Errors
    ///
    /// [`NotAProof`] if it differs in any byte from what [`Self::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, NotAProof> {
        if text.len() > MAX_PROOF {
            return Err(NotAProof::Form(format!("it has more than {MAX_PROOF} bytes")));
        }
        let proof: Self =
            serde_json::from_str(text).map_err(|error| NotAProof::Form(error.to_string()))?;
        if proof.fourauth_proof != VERSION {
            return Err(NotAProof::Version(proof.fourauth_proof));
        }
        if proof.to_text() != text {
            return Err(NotAProof::Form("the same values are written in another way".to_owned()));
        }
        Ok(proof)
    }

    /// The file: one line of ASCII, so that no program on its way shows or encodes it otherwise.
    ///
    /// # Panics
    ///
    /// Never: every key is a string and no part can fail to serialise.
    #[must_use]
    pub fn to_text(&self) -> String {
        let json = serde_json::to_string(self);
        let json = json.expect("proofs have string keys and no fallible parts");
        let mut text = String::with_capacity(json.len() + 1);
        json.chars().for_each(|c| push_ascii(&mut text, c));
        text.push('\n');
        text
    }

    /// The checkpoint, if it is signed with this key and covers exactly this row at this position.
    ///
    /// # Errors
    ///
    /// [`RowProofError`] with what does not hold.
    pub fn check(&self, key: &VerifyingKey) -> Result<Checkpoint, RowProofError> {
        if Note::parse(&self.checkpoint).is_ok_and(|note| note.signatures().len() != 1) {
            return Err(RowProofError::OtherSignatures);
        }
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = self.row.leaf_hash().ok_or(RowProofError::Row)?;
        let path: Vec<Hash> = self.path.iter().map(|hash| hash.0).collect();
        let Checkpoint { size, root, .. } = &checkpoint;
        if !verify_inclusion(&leaf, self.position, *size, &path, root) {
            return Err(RowProofError::NotCovered { size: *size });
        }
        Ok(checkpoint)
    }
}

impl ProvenRow {
    /// The hash of its leaf. `None` if a row cannot have these values.
    fn leaf_hash(&self) -> Option<Hash> {
        let (name, detail) = self.hashes()?;
        let leaf = Leaf {
            id: self.id,
            ts_utc: &self.ts_utc,
            name,
            action: &self.action,
            success: self.success,
            detail,
            node: &self.node,
            node_seq: self.node_seq,
            previous: self.previous.0,
        };
        Some(leaf.hash())
    }

    /// Hashes of name and detail. A row has either a salt, or the hashes that an erasure left.
    fn hashes(&self) -> Option<(Option<Hash>, Hash)> {
        match (self.salt, self.name_hash, self.detail_hash) {
            (Some(Hex(salt)), None, None) => Some(self.salted(&salt)),
            // Only rows with a name are erased.
            (None, Some(Hex(name)), Some(Hex(detail))) => {
                let is_erased = self.username.is_none() && self.detail.is_empty();
                is_erased.then_some((Some(name), detail))
            }
            _ => None,
        }
    }

    fn salted(&self, salt: &Salt) -> (Option<Hash>, Hash) {
        let name = self.username.as_deref().map(|name| name_hash(salt, name));
        (name, detail_hash(salt, &self.detail))
    }
}

/// Appends a character of JSON. Every one outside ASCII is inside a string, where it can be escaped
/// (RFC 8259 §7).
fn push_ascii(text: &mut String, c: char) {
    if c <= '~' {
        return text.push(c);
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to memory cannot fail.
        let _done = write!(text, "\\u{unit:04x}");
    }
}

/// The note with no other signature than that of `key`.
fn signed_only_by(key: &VerifyingKey, note: &str) -> Result<String, CheckpointError> {
    let note = Note::parse(note).map_err(|_| CheckpointError::Form)?;
    let ours = note.signatures_by(key.name(), key.id()).next().ok_or(CheckpointError::Unsigned)?;
    Ok(format!("{}\n{}", note.text(), signature_line(key.name(), key.id(), ours)))
}

/// The text is not a proof of a row. This neither proves nor disproves the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAProof {
    /// The text has another form.
    #[error("not a proof in the only accepted form: {0}")]
    Form(String),
    /// The version of the format is not supported.
    #[error("version {0} of the format of proofs is not supported")]
    Version(u32),
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowProofError {
    /// The checkpoint is not one of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint has other signatures, which the key cannot check.
    #[error("the checkpoint of a proof has exactly one signature, and this one has more")]
    OtherSignatures,
    /// The row has a salt and hashes of an erasure, or neither.
    #[error("no row of a log has these values: it has either a salt or the hashes of an erasure")]
    Row,
    /// The path does not lead from the row to the root.
    #[error("the checkpoint of {size} rows does not cover this row at this position")]
    NotCovered {
        /// Size of the checkpoint.
        size: u64,
    },
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|it| it.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            D::Error::custom(format!("expected {} lower-case hexadecimal digits", 2 * N))
        })
    }
}

#[cfg(test)]
mod tests;
