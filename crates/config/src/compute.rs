//! `[compute]`

use serde::{Deserialize, Serialize};

/// Threads for slow work: password hashes and face inference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComputeConfig {
    /// Threads; 0 means one a core. Each keeps the memory of one Argon2id hash.
    pub threads: usize,
    /// Jobs that may wait. A login is one hash and up to five pictures.
    pub queue: usize,
    /// Jobs that may wait of one source: an IPv4 address or an IPv6 /56. Known devices and others are
    /// counted apart. A login is two jobs.
    pub queue_per_source: usize,
    /// Longest wait and work of one job, in milliseconds. Beyond it the server says that it is busy.
    pub deadline_ms: u32,
}

impl Default for ComputeConfig {
    fn default() -> Self {
        Self { threads: 0, queue: 64, queue_per_source: 32, deadline_ms: 5000 }
    }
}
