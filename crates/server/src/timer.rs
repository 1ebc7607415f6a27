//! A timer that is more precise than the milliseconds of tokio.
//!
//! Tokio's timer counts whole milliseconds from the moment when the reactor went to sleep. A task
//! that waits for it after some work wakes late by a fraction of a millisecond. That fraction
//! reveals when the work ended, and so what the work was. The kernel's timer wakes at the exact
//! instant.

use std::time::Duration;
use tokio::time::Instant;

/// The last part of a wait, which uses the kernel's timer. Tokio's timer is late by less than this.
/// The kernel's timer takes an open file, so it is not used for the whole wait.
const LAST_PART: Duration = Duration::from_millis(3);

/// Waits until `deadline`. Returns at once if it has passed.
///
/// Falls back to tokio's timer if the system has no such timer or no file can be opened.
pub(crate) async fn sleep_until(deadline: Instant) {
    tokio::time::sleep_until(deadline - LAST_PART).await;
    #[cfg(target_os = "linux")]
    match exactly(deadline).await {
        // Skip tokio's timer, which would wait for its next millisecond.
        Ok(()) => return,
        Err(error) => tracing::debug!(%error, "no kernel timer; using the timer of tokio"),
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
        reason = "its successor is unsafe, because a descriptor may change or be closed; an \
                  `OwnedFd` keeps the same descriptor for life"
    )]
    let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
    timer.readable().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_never_ends_early() {
        for micros in [0, 1, 900, 2_999, 3_000, 3_001, 7_300] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            sleep_until(deadline).await;
            assert!(Instant::now() >= deadline, "{micros}");
        }
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_ends_the_wait_at_once() {
        let now = Instant::now();
        let passed = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        tokio::select! {
            biased;
            () = sleep_until(passed) => {}
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("the wait did not end"),
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_has_a_timer() {
        assert!(exactly(Instant::now() + LAST_PART).await.is_ok());
    }
}
