//! Formats that make changes to the audit log visible: leaves, their Merkle tree, and checkpoints.
//!
//! Everything here is a value or a text. docs/AUDIT.md specifies the same formats for authors of
//! other verifiers.
//!
//! | to see | read |
//! |---|---|
//! | how a row is hashed, and which parts are salted | `leaf` |
//! | how leaves form a tree, and how proofs are made | `tree`, `proof` |
//! | what the server signs about the tree | `checkpoint` |
//! | what the row of an erasure records, and how it is signed | `erasure` |
//! | how a single row is proved to a person without the log | `row_proof` |
//! | how a note is signed | `note`, `key` |
//! | why today's keys cannot sign for yesterday | `epoch` |
//!
//! **Invariant**: no IO, no clock, no randomness. The writer and the verifier share this crate and
//! nothing else.

pub mod checkpoint;
pub mod epoch;
pub mod erasure;
pub mod key;
pub mod leaf;
mod name;
pub mod note;
pub mod proof;
pub mod row_proof;
pub mod tree;

pub use checkpoint::Checkpoint;
pub use epoch::EpochKey;
pub use erasure::{Erasure, ErasureSigner};
pub use key::{SigningKey, VerifyingKey};
pub use leaf::{Leaf, Salt};
pub use note::Note;
pub use row_proof::RowProof;
pub use tree::Frontier;

/// A SHA-256 hash.
pub type Hash = [u8; 32];
