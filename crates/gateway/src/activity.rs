//! Counts the requests in progress on a connection, so that an idle one can be closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// The requests in progress on one connection. Clones share them. A request wakes no task.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<State>);

#[derive(Debug)]
struct State {
    opened: Instant,
    in_progress: AtomicUsize,
    /// Milliseconds from `opened` to the end of the last request.
    ended_ms: AtomicU64,
}

/// One request in progress.
#[derive(Debug)]
pub(crate) struct InProgress(Arc<State>);

impl Activity {
    pub(crate) fn new() -> Self {
        let (in_progress, ended_ms) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(State { opened: Instant::now(), in_progress, ended_ms }))
    }

    /// Begins a request, which ends when the value is dropped.
    pub(crate) fn begin(&self) -> InProgress {
        self.0.in_progress.fetch_add(1, Ordering::AcqRel);
        InProgress(Arc::clone(&self.0))
    }

    /// True if no request is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.in_progress.load(Ordering::Acquire) == 0
    }

    /// Returns when no request was in progress for `time`.
    pub(crate) async fn idle(&self, time: Duration) {
        loop {
            let now = Instant::now();
            let since = if self.is_idle() { self.0.ended() } else { now };
            let end = since + time;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }
}

impl State {
    /// The end of the last request, or the beginning of the connection.
    fn ended(&self) -> Instant {
        self.opened + Duration::from_millis(self.ended_ms.load(Ordering::Acquire))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let ended = self.0.opened.elapsed().as_millis();
        self.0.ended_ms.store(u64::try_from(ended).unwrap_or(u64::MAX), Ordering::Release);
        self.0.in_progress.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_only_without_requests() {
        for seconds in [10, 30, 100] {
            let (activity, started) = (Activity::new(), Instant::now());
            let request = activity.begin();
            let work = async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                drop(request);
            };
            tokio::join!(activity.idle(TIME), work);
            assert_eq!(started.elapsed().as_secs(), seconds + 30);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_idle_from_its_beginning() {
        let (activity, started) = (Activity::new(), Instant::now());
        activity.idle(TIME).await;
        assert_eq!(started.elapsed().as_secs(), 30);
    }
}
