//! Timeouts. Every wait for a peer has one.

use fourauth_config::LimitsConfig;
use std::time::Duration;

/// The time that a frame of any size may take.
const FRAME_GRACE: Duration = Duration::from_secs(10);

/// Fullness of the byte budget, in percent, above which frames must arrive faster.
const CROWDED_FROM: u32 = 50;

/// Timeouts for a peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the first frame to begin.
    pub first_frame: Duration,
    /// For the next frame to begin after an answer.
    pub idle: Duration,
    /// For the peer to read an answer.
    pub answer: Duration,
    /// The delay of a denial after its command arrived. A denial is never sent earlier, and later
    /// only if the decision took longer.
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
    /// The timeout for a frame of `announced` bytes, from its first byte, while the byte budget is
    /// `fullness` percent full.
    #[must_use]
    pub(crate) fn frame(&self, announced: u32, fullness: u32) -> Duration {
        FRAME_GRACE + Duration::from_secs(u64::from(announced) / self.slowest_rate(fullness))
    }

    /// The slowest rate at which a frame may arrive, in bytes per second. It is constant up to half
    /// of the byte budget and grows linearly above that.
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
    fn a_frame_must_arrive_faster_as_the_budget_fills() {
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
            // A login with a picture arrives in time on a slow line too.
            (200, 100, 10),
        ] {
            let allowed = deadlines.frame(kib * KIB, fullness);
            assert_eq!(allowed, Duration::from_secs(seconds), "{kib} KiB at {fullness} %");
        }
    }
}
