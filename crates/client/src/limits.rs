//! Timeouts, attempts and the size limit of a client.

use crate::retries::Retries;
use fourauth_protocol::frame::MAX_PAYLOAD;
use std::time::Duration;

/// Default limit for name lookup, TCP and TLS together, for each address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Default limit for a command, from its first byte to the last byte of its answer. A full server
/// queues for seconds; five pictures over a slow line take longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeouts, the longest answer in bytes, and further attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) max_answer: usize,
    pub(crate) retries: Retries,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            max_answer: MAX_PAYLOAD,
            retries: Retries::default(),
        }
    }
}
