//! The two clocks of the machine. No other file of the crate reads them.
//!
//! * The *wall* clock is the UTC of the operating system. Any process with the privilege can set
//!   it, so it is not trusted by itself.
//! * The *boot* clock counts from boot, never jumps, and counts during suspend.
//!   `std::time::Instant` stops during suspend (it is `CLOCK_MONOTONIC` on Linux).

use fourauth_protocol::time::UnixMillis;
use rustix::time::{ClockId, clock_gettime};
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

#[cfg(not(target_vendor = "apple"))]
const BOOT_CLOCK: ClockId = ClockId::Boottime;
/// Darwin's monotonic clock counts during sleep.
#[cfg(target_vendor = "apple")]
const BOOT_CLOCK: ClockId = ClockId::Monotonic;

/// Milliseconds since boot, suspend included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BootMillis(pub(crate) i64);

impl BootMillis {
    /// Milliseconds from `earlier` to `self`.
    pub(crate) const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) const fn saturating_add_ms(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Both clocks, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) boot: BootMillis,
    pub(crate) wall: UnixMillis,
}

/// Reads the machine's clocks. Tests simulate it.
pub(crate) trait Clocks: Send + Sync + fmt::Debug {
    /// Both clocks, now.
    fn moment(&self) -> Moment;
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClocks;

impl Clocks for SystemClocks {
    fn moment(&self) -> Moment {
        Moment { boot: boot_clock(), wall: wall_clock() }
    }
}

fn boot_clock() -> BootMillis {
    let since_boot = clock_gettime(BOOT_CLOCK);
    BootMillis(
        since_boot.tv_sec.saturating_mul(1_000).saturating_add(since_boot.tv_nsec / 1_000_000),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place in this crate that reads the system clock; other code reads a Clock"
)]
fn wall_clock() -> UnixMillis {
    let in_millis = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    UnixMillis(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => in_millis(since),
        Err(before) => -in_millis(before.duration()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_does_not_go_back() {
        let first = SystemClocks.moment();
        let second = SystemClocks.moment();

        assert!(first.boot.0 > 0);
        assert!(second.boot >= first.boot);
    }
}
