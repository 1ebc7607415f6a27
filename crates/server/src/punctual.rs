//! Waiting until an instant, and not up to a millisecond longer.
//!
//! Tokio's timer counts whole milliseconds from the moment at which the reactor fell asleep. Whoever
//! waits for it after some work wakes late by a part of a millisecond that tells when the work was
//! done, and with it what the work was. The kernel's timer wakes at the instant itself.

use std::time::Duration;
use tokio::time::Instant;

/// What is left to the kernel's timer: tokio's wakes by then. A file is open for so long, which is
/// why it is not left the whole wait.
const REST: Duration = Duration::from_millis(3);

/// Waits until `deadline`; not at all if it has passed.
///
/// Where there is no such timer, or no file may be opened, it waits as tokio does.
pub(crate) async fn sleep_until(deadline: Instant) {
    tokio::time::sleep_until(deadline - REST).await;
    #[cfg(target_os = "linux")]
    match exactly(deadline).await {
        // Not to tokio's after all: it waits for the next of its milliseconds.
        Ok(()) => return,
        Err(error) => tracing::debug!(%error, "the kernel gives no timer"),
    }
    tokio::time::sleep_until(deadline).await;
}

#[cfg(target_os = "linux")]
async fn exactly(deadline: Instant) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    let left = deadline.saturating_duration_since(Instant::now());
    let Ok(it_value) = Timespec::try_from(left) else { return Ok(()) };
    if left.is_zero() {
        return Ok(());
    }
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change or be closed: an \
                  `OwnedFd` has the same one as long as it lives"
    )]
    let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
    timer.readable().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_wakes_before_the_time() {
        for micros in [0, 1, 900, 2_999, 3_000, 3_001, 7_300] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            sleep_until(deadline).await;
            assert!(Instant::now() >= deadline, "{micros}");
        }
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let now = Instant::now();
        let passed = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        tokio::select! {
            biased;
            () = sleep_until(passed) => {}
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("it waits"),
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_has_a_timer() {
        assert!(exactly(Instant::now() + REST).await.is_ok());
    }
}
