//! `[audit]`

use fourauth_checkpoints::{OnRollback, sink::SinkAddress};
use serde::{Deserialize, Serialize};

/// Evidence that the audit log is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Sinks for signed checkpoints. At least one is needed, preferably one that this machine
    /// cannot rewrite.
    ///
    /// Default: `file:<data_dir>/audit/checkpoints.log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_sinks: Option<Vec<SinkAddress>>,
    /// Time between two checkpoints of a growing log, in seconds. An attacker that controls the
    /// machine can change younger rows without detection.
    pub checkpoint_s: u32,
    /// The action at start if the database is behind its newest exported checkpoint.
    pub on_rollback: OnRollback,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { checkpoint_sinks: None, checkpoint_s: 1, on_rollback: OnRollback::default() }
    }
}
