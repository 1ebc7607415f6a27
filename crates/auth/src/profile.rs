//! How much a peer is told.

use serde::{Deserialize, Serialize};

/// A set of answers to the question of how much security may cost in convenience.
///
/// `docs/THREATS.md` tables what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A client written from 4Auth's documents works unchanged.
    #[default]
    Secure,
    /// One text whichever factor failed; no decision without trusted time.
    Strict,
}
