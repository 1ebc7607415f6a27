//! How long a peer may take. Every wait on one has an end.

use fourauth_config::LimitsConfig;
use std::time::Duration;

/// Seconds that a frame may take however small it is.
const FRAME_GRACE: Duration = Duration::from_secs(10);

/// How full the byte budget is, in percent, when frames have to arrive faster.
const CROWDED_FROM: u32 = 50;

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
    crowded_bytes_per_s: u32,
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
            crowded_bytes_per_s: limits.crowded_bytes_per_s.max(limits.min_bytes_per_s).max(1),
        }
    }
}

impl Deadlines {
    /// For a frame of `announced` bytes to arrive, from its first byte, while the byte budget is
    /// `fullness` percent full.
    #[must_use]
    pub fn frame(&self, announced: u32, fullness: u32) -> Duration {
        FRAME_GRACE + Duration::from_secs(u64::from(announced) / self.slowest_rate(fullness))
    }

    /// The slowest rate at which a frame may arrive, in bytes a second: the usual one up to half of the
    /// byte budget, and from there on evenly more.
    fn slowest_rate(&self, fullness: u32) -> u64 {
        let (usual, crowded) =
            (u64::from(self.min_bytes_per_s), u64::from(self.crowded_bytes_per_s));
        let above = fullness.min(100).saturating_sub(CROWDED_FROM);
        usual + (crowded - usual) * u64::from(above) / u64::from(100 - CROWDED_FROM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_to_arrive_faster_as_the_budget_fills() {
        const KIB: u32 = 1024;
        let deadlines = Deadlines::from(&LimitsConfig::default());
        for (kib, fullness, seconds) in [
            (0, 0, 10),
            (200, 0, 10 + 12),
            (4096, 0, 10 + 256),
            (4096, 50, 10 + 256),
            (4096, 75, 10 + 30),
            (4096, 100, 10 + 16),
            (4096, 250, 10 + 16),
            // A login with a picture needs no more than a slow line can give.
            (200, 100, 10),
        ] {
            let allowed = deadlines.frame(kib * KIB, fullness);
            assert_eq!(allowed, Duration::from_secs(seconds), "{kib} KiB at {fullness} %");
        }
    }
}
