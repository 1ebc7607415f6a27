//! Batches refusals on their way to the database. Refusals that arrive during one transaction are
//! counted together in the next. A flood costs the writer one statement for each source, command
//! and name in a transaction, not one for each command.
//!
//! A caller gets its answer after the commit, so that a crash loses no answered refusal. The number
//! of waiting refusals is bounded by the number of peers that wait for an answer.

use crate::{
    engine::writer::Writer,
    error::{Cause, Error},
    limits::refusal::{Refusal, RefusalKey},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Most refusals in one transaction, and length of the queue. When it is full, callers wait.
const TOGETHER: usize = 1024;

/// Collects refusals and writes their counts.
#[derive(Debug)]
pub(crate) struct Counter {
    waiting: mpsc::Sender<Waiting>,
    task: TaskTracker,
    closing: CancellationToken,
}

/// A refusal and the channel for its answer.
#[derive(Debug)]
struct Waiting {
    refusal: Refusal,
    caller: oneshot::Sender<Result<(), Error>>,
}

impl Counter {
    /// Starts the background task that writes through `writer`. Close the writer after the counter.
    pub(crate) fn start(writer: Arc<Writer>) -> Self {
        let (waiting, arrivals) = mpsc::channel(TOGETHER);
        let (task, closing) = (TaskTracker::new(), CancellationToken::new());
        task.spawn(serve(arrivals, writer, closing.clone()));
        task.close();
        Self { waiting, task, closing }
    }

    /// Counts a refusal and returns once the count is durable.
    pub(crate) async fn count(&self, refusal: Refusal) -> Result<(), Error> {
        const CLOSED: Error = Error::Unavailable(Cause::Closed);

        let (caller, answer) = oneshot::channel();
        self.waiting.send(Waiting { refusal, caller }).await.map_err(|_| CLOSED)?;
        answer.await.unwrap_or(Err(CLOSED))
    }

    /// Accepts no more refusals and writes the queued ones.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.task.wait().await;
    }
}

async fn serve(
    mut arrivals: mpsc::Receiver<Waiting>,
    writer: Arc<Writer>,
    closing: CancellationToken,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    loop {
        tokio::select! {
            biased;
            () = closing.cancelled(), if !arrivals.is_closed() => arrivals.close(),
            count = arrivals.recv_many(&mut batch, TOGETHER) => match count {
                0 => return,
                _ => write(&writer, batch.drain(..)).await,
            },
        }
    }
}

/// Writes a batch in one transaction and sends its outcome to every caller.
async fn write(writer: &Writer, batch: impl Iterator<Item = Waiting>) {
    let mut counts: BTreeMap<RefusalKey, i64> = BTreeMap::new();
    let mut callers = Vec::new();
    for Waiting { refusal, caller } in batch {
        *counts.entry(refusal.into()).or_default() += 1;
        callers.push(caller);
    }
    let outcome = commit(writer, counts).await;
    for caller in callers {
        // The caller may be gone; its refusal is counted anyway.
        let _gone = caller.send(outcome.clone());
    }
}

/// Writes in the order of the table's key, so that two servers that add to the same counts in
/// PostgreSQL cannot deadlock.
async fn commit(writer: &Writer, counts: BTreeMap<RefusalKey, i64>) -> Result<(), Error> {
    let written = writer.write(move |tx| {
        Box::pin(async move {
            for (key, count) in &counts {
                tx.add_refusals(key, *count).await?;
            }
            Ok(())
        })
    });
    written.await
}
