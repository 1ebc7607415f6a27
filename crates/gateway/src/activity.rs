//! Counts the requests in progress on a connection, so that an idle one can be closed.

use std::time::Duration;
use tokio::sync::watch;

/// The requests in progress on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Activity(watch::Sender<usize>);

/// One request in progress.
#[derive(Debug)]
pub(crate) struct InProgress(watch::Sender<usize>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Begins a request, which ends when the value is dropped.
    pub(crate) fn begin(&self) -> InProgress {
        self.0.send_modify(|count| *count += 1);
        InProgress(self.0.clone())
    }

    /// True if no request is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        *self.0.borrow() == 0
    }

    /// Returns when no request was in progress for `time`.
    pub(crate) async fn idle(&self, time: Duration) {
        let mut count = self.0.subscribe();
        loop {
            // It cannot fail, because `self` is a sender.
            drop(count.wait_for(|count| *count == 0).await);
            if tokio::time::timeout(time, count.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_only_without_requests() {
        let activity = Activity::new();
        let started = tokio::time::Instant::now();
        let request = activity.begin();
        let idle = activity.idle(Duration::from_secs(30));
        let work = async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(request);
        };
        tokio::join!(idle, work);
        assert_eq!(started.elapsed().as_secs(), 130);
    }
}
