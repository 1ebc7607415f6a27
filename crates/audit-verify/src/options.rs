//! The auditor's own knowledge, which does not come from the log.

use crate::handover::Handover;
use fourauth_audit::{EpochKey, VerifyingKey};
use std::{collections::BTreeSet, ops::RangeInclusive, path::PathBuf};

/// Keys and checkpoints that the log is checked against.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that signs checkpoints, obtained independently of the log.
    pub key: VerifyingKey,
    /// Files of checkpoints that were exported while the log grew.
    pub checkpoints: Vec<PathBuf>,
    /// The first key of each chain of epochs that the auditor has.
    pub epoch_keys: Vec<EpochKey>,
    /// What the log was when these keys were handed over, as far as the auditor was told.
    pub handovers: Vec<Handover>,
    /// Sizes of lost checkpoints that the operator told the auditor about.
    pub accepted: BTreeSet<u64>,
    /// Ids of the rows that record erasures that the operator told the auditor about.
    pub erasures: BTreeSet<i64>,
    /// True if the auditor accepts every erasure that the log's key has signed.
    pub signed_erasures: bool,
    /// Sizes of the first checkpoints after a change of the clock that the operator told the
    /// auditor about.
    pub clock_steps: BTreeSet<u64>,
    /// Ids of rows that are older than their checkpoint for a reason that the operator told the
    /// auditor.
    pub late: Vec<RangeInclusive<i64>>,
}

impl Options {
    /// Only the key. Checks the log against itself.
    #[must_use]
    pub const fn new(key: VerifyingKey) -> Self {
        Self {
            key,
            checkpoints: Vec::new(),
            epoch_keys: Vec::new(),
            handovers: Vec::new(),
            accepted: BTreeSet::new(),
            erasures: BTreeSet::new(),
            signed_erasures: false,
            clock_steps: BTreeSet::new(),
            late: Vec::new(),
        }
    }
}
