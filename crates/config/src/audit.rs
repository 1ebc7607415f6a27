//! `[audit]`

use fourauth_checkpoints::{OnRollback, sink::SinkAddress};
use serde::{Deserialize, Serialize};

/// The evidence that the audit log was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Where signed checkpoints go; at least one place, better one that this machine cannot rewrite.
    /// Default: `file:<data_dir>/audit/checkpoints.log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_sinks: Option<Vec<SinkAddress>>,
    /// How often the log is signed, in seconds, if it has grown. What is younger can be changed unseen
    /// by whoever takes the machine.
    pub checkpoint_s: u32,
    /// What a start does whose database is behind its newest exported checkpoint.
    pub on_rollback: OnRollback,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { checkpoint_sinks: None, checkpoint_s: 1, on_rollback: OnRollback::default() }
    }
}
