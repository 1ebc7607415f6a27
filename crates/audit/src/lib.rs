//! What makes a change of the audit log visible: leaves, their tree, and signed statements about it.
//!
//! Everything here is a value or a text. docs/AUDIT.md says the same in words, for whoever writes
//! another verifier.
//!
//! | to see | read |
//! |---|---|
//! | what of a row is hashed, and what is salted first | `leaf` |
//! | how leaves become one root, and how proofs are made | `tree`, `proof` |
//! | what the server states about the tree, and when | `checkpoint` |
//! | how a statement is signed | `note`, `key` |
//! | why whoever has today's keys cannot restate yesterday | `epoch` |
//!
//! **Invariant**: no IO, no clock, no randomness. The writer and the verifier share this crate and
//! nothing else.

pub mod checkpoint;
pub mod epoch;
pub mod key;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tree;

pub use checkpoint::Checkpoint;
pub use epoch::EpochKey;
pub use key::{SigningKey, VerifyingKey};
pub use leaf::{Leaf, Salt};
pub use note::Note;
pub use tree::Frontier;

/// A SHA-256 hash.
pub type Hash = [u8; 32];
