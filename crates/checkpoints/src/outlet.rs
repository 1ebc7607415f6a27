//! One sink and the background task that serves it, so that a slow sink does not delay the others.
//!
//! Only the newest checkpoint waits. It covers everything that older ones covered.

use crate::{
    progress::Progress,
    sink::{Sink, SinkError},
};
use fourauth_store::SignedCheckpoint;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

/// Delay between a failure and the next attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Interval between log messages about a sink that keeps failing.
const REMINDER: Duration = Duration::from_mins(1);

/// A sink and its task.
#[derive(Debug)]
pub(crate) struct Outlet {
    sink: Arc<Sink>,
    progress: Progress,
    newest: watch::Sender<Option<SignedCheckpoint>>,
    task: JoinHandle<()>,
}

impl Outlet {
    /// Starts the task. It has nothing to send yet.
    pub(crate) fn start(sink: Sink) -> Self {
        let progress = Progress::new(&sink.to_string());
        let sink = Arc::new(sink);
        let (newest, waiting) = watch::channel(None);
        let task = tokio::spawn(serve(Arc::clone(&sink), progress.clone(), waiting));
        Self { sink, progress, newest, task }
    }

    /// The sink.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// How far the sink is behind.
    pub(crate) const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Queues a checkpoint. It replaces one that is still waiting.
    pub(crate) fn offer(&self, signed: &SignedCheckpoint) {
        self.progress.offered();
        self.newest.send_replace(Some(signed.clone()));
    }

    /// Ends the queue: no checkpoint will follow.
    pub(crate) fn end(self) -> Ending {
        Ending { sink: self.sink, task: self.task }
    }
}

/// An ended outlet that may still be sending its last checkpoint.
pub(crate) struct Ending {
    sink: Arc<Sink>,
    task: JoinHandle<()>,
}

impl Ending {
    /// Waits for the last checkpoint, until `deadline` at most.
    pub(crate) async fn wait(mut self, deadline: Instant) {
        let sink = &self.sink;
        match timeout_at(deadline, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, %sink, "the task of a sink failed"),
            Err(_) => {
                self.task.abort();
                tracing::error!(%sink, "the last checkpoint was not exported in time");
            }
        }
    }
}

/// Sends the newest checkpoint, and retries until it is sent or a newer one arrives. When the queue
/// has ended, makes one last attempt and returns.
async fn serve(
    sink: Arc<Sink>,
    progress: Progress,
    mut waiting: watch::Receiver<Option<SignedCheckpoint>>,
) {
    let mut silence = FailureLog::default();
    while waiting.changed().await.is_ok() {
        loop {
            let Some(signed) = waiting.borrow_and_update().clone() else { break };
            let Err(error) = sink.publish(&signed).await else {
                progress.taken(waiting.has_changed().unwrap_or(false));
                silence.end(&sink);
                break;
            };
            progress.failed(&error);
            let is_over = waiting.has_changed().is_err();
            let is_last = is_over && waiting.borrow().as_ref() == Some(&signed);
            silence.tell(&error, is_last);
            if is_last {
                return;
            }
            if !is_over {
                sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// Time of the last log message about a failing sink.
#[derive(Default)]
struct FailureLog {
    said: Option<Instant>,
}

impl FailureLog {
    fn tell(&mut self, error: &SinkError, is_last: bool) {
        let is_due = self.said.is_none_or(|said| said.elapsed() >= REMINDER);
        if is_due || is_last {
            tracing::error!(%error, "a checkpoint is not exported");
            self.said = Some(Instant::now());
        }
    }

    fn end(&mut self, sink: &Sink) {
        if self.said.take().is_some() {
            tracing::info!(%sink, "checkpoints are exported again");
        }
    }
}
