//! How long a peer may take. Every wait on one has an end.

use crate::config::LimitsConfig;
use std::time::Duration;

/// Seconds that a frame may take however small it is.
const FRAME_GRACE: Duration = Duration::from_secs(10);

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the first frame to begin.
    pub first_frame: Duration,
    /// For the next frame to begin, once one was answered.
    pub idle: Duration,
    /// For an answer to be taken.
    pub answer: Duration,
    /// For a denial to be given: not sooner, and only later if deciding took longer.
    pub denial: Duration,
    min_bytes_per_s: u32,
}

impl From<&LimitsConfig> for Deadlines {
    fn from(limits: &LimitsConfig) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Self {
            handshake: seconds(limits.handshake_s),
            first_frame: seconds(limits.first_frame_s),
            idle: seconds(limits.idle_s),
            answer: seconds(limits.answer_s),
            denial: Duration::from_millis(limits.denial_ms.into()),
            min_bytes_per_s: limits.min_bytes_per_s.max(1),
        }
    }
}

impl Deadlines {
    /// For a frame of `announced` bytes to arrive, from its first byte.
    #[must_use]
    pub fn frame(&self, announced: u32) -> Duration {
        FRAME_GRACE + Duration::from_secs((announced / self.min_bytes_per_s).into())
    }
}
