//! Timeouts and the size limit of a client.

use std::time::Duration;

/// Timeouts, and the longest answer in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) max_answer: usize,
}
