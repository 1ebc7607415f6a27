//! `[compute]`

use serde::{Deserialize, Serialize};

/// Threads for slow work: password hashes and face inference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComputeConfig {
    /// Number of threads; 0 means one per core. Each keeps the memory of one Argon2id hash.
    pub threads: usize,
    /// Queued jobs. A login takes one hash and up to five pictures.
    pub queue: usize,
    /// Queued jobs per source, which is an IPv4 address or an IPv6 /56. Known and unknown devices
    /// are counted separately. A login takes two jobs.
    pub queue_per_source: usize,
    /// Longest time for waiting and running one job, in milliseconds. After that the server answers
    /// that it is busy.
    pub deadline_ms: u32,
}

impl Default for ComputeConfig {
    fn default() -> Self {
        Self { threads: 0, queue: 64, queue_per_source: 32, deadline_ms: 5000 }
    }
}
