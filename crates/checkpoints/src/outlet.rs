//! One place for checkpoints and the task that serves it, so that a slow place holds up no other.
//!
//! What waits is never more than the newest checkpoint, which says all that older ones did.

use crate::sink::{Sink, SinkError};
use fourauth_store::SignedCheckpoint;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

/// How long after a failure the newest checkpoint is sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a place that stays away is an alarm.
const REMINDER: Duration = Duration::from_mins(1);

/// A place and its task.
#[derive(Debug)]
pub(crate) struct Outlet {
    sink: Arc<Sink>,
    newest: watch::Sender<Option<SignedCheckpoint>>,
    task: JoinHandle<()>,
}

impl Outlet {
    /// Starts the task, which has nothing to send yet.
    pub(crate) fn start(sink: Sink) -> Self {
        let sink = Arc::new(sink);
        let (newest, waiting) = watch::channel(None);
        let task = tokio::spawn(serve(Arc::clone(&sink), waiting));
        Self { sink, newest, task }
    }

    /// The place.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Hands a checkpoint over, and takes back one that is still waiting.
    pub(crate) fn offer(&self, signed: &SignedCheckpoint) {
        self.newest.send_replace(Some(signed.clone()));
    }

    /// Says that no checkpoint will follow.
    pub(crate) fn end(self) -> Ending {
        Ending { sink: self.sink, task: self.task }
    }
}

/// A place whose last checkpoint may still be on its way.
pub(crate) struct Ending {
    sink: Arc<Sink>,
    task: JoinHandle<()>,
}

impl Ending {
    /// Waits until it is out, until `deadline` at most.
    pub(crate) async fn wait(mut self, deadline: Instant) {
        let sink = &self.sink;
        match timeout_at(deadline, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, %sink, "a place for checkpoints failed"),
            Err(_) => {
                self.task.abort();
                tracing::error!(%sink, "the last checkpoint did not get out in time");
            }
        }
    }
}

/// Sends the newest checkpoint, again and again until it is out or a newer one has come. Ends when
/// there will be none any more, after one last try.
async fn serve(sink: Arc<Sink>, mut waiting: watch::Receiver<Option<SignedCheckpoint>>) {
    let mut silence = Silence::default();
    while waiting.changed().await.is_ok() {
        loop {
            let Some(signed) = waiting.borrow_and_update().clone() else { break };
            let Err(error) = sink.publish(&signed).await else {
                silence.end(&sink);
                break;
            };
            let is_over = waiting.has_changed().is_err();
            let is_last = is_over && waiting.borrow().as_ref() == Some(&signed);
            silence.tell(&error, is_last);
            if is_last {
                return;
            }
            if !is_over {
                sleep(AGAIN).await;
            }
        }
    }
}

/// How long a place has been away, and when that was last said.
#[derive(Default)]
struct Silence {
    said: Option<Instant>,
}

impl Silence {
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
