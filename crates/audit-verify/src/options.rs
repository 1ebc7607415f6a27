//! What the auditor knows that the log cannot have changed.

use fourauth_audit::{EpochKey, VerifyingKey};
use std::{collections::BTreeSet, path::PathBuf};

/// What the log is held against.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that signs checkpoints, from somewhere else than the log.
    pub key: VerifyingKey,
    /// Files of checkpoints that were exported while the log grew.
    pub checkpoints: Vec<PathBuf>,
    /// The first epoch's key, if the auditor was given it.
    pub epoch_key: Option<EpochKey>,
    /// Sizes of the checkpoints whose loss the operator has told the auditor of.
    pub accepted: BTreeSet<u64>,
}

impl Options {
    /// Nothing but the key: what a log says about itself.
    #[must_use]
    pub const fn new(key: VerifyingKey) -> Self {
        Self { key, checkpoints: Vec::new(), epoch_key: None, accepted: BTreeSet::new() }
    }
}
