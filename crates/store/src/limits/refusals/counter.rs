//! Refusals on their way to the database. All that arrive while one transaction is written are counted
//! together in the next: a flood costs the writer one statement for each source, command and name in
//! a transaction, and not one for each command.
//!
//! Nothing is answered from memory: whoever is turned away hears it after the commit, so a crash loses
//! no refusal that was answered. What waits here is bounded by the peers that wait for an answer.

use super::{Heading, Refusal};
use crate::{
    engine::writer::Writer,
    error::{Cause, Error},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Most refusals of one transaction, and most that wait for it before callers do.
const TOGETHER: usize = 1024;

/// Takes refusals and writes them.
#[derive(Debug)]
pub(crate) struct Counter {
    waiting: mpsc::Sender<Waiting>,
    task: TaskTracker,
    closing: CancellationToken,
}

/// One refusal, and who wants to know that it is durable.
#[derive(Debug)]
struct Waiting {
    refusal: Refusal,
    caller: oneshot::Sender<Result<(), Error>>,
}

impl Counter {
    /// Starts the task that writes through `writer`, which is to be closed later than this.
    pub(crate) fn start(writer: Arc<Writer>) -> Self {
        let (waiting, arrivals) = mpsc::channel(TOGETHER);
        let (task, closing) = (TaskTracker::new(), CancellationToken::new());
        task.spawn(serve(arrivals, writer, closing.clone()));
        task.close();
        Self { waiting, task, closing }
    }

    /// Counts one; answers once it is durable.
    pub(super) async fn count(&self, refusal: Refusal) -> Result<(), Error> {
        const CLOSED: Error = Error::Unavailable(Cause::Closed);

        let (caller, answer) = oneshot::channel();
        self.waiting.send(Waiting { refusal, caller }).await.map_err(|_| CLOSED)?;
        answer.await.unwrap_or(Err(CLOSED))
    }

    /// Takes no more refusals and writes those it has.
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

/// One transaction. Everyone is told the same of it.
async fn write(writer: &Writer, batch: impl Iterator<Item = Waiting>) {
    let mut counts: BTreeMap<Heading, i64> = BTreeMap::new();
    let mut callers = Vec::new();
    for Waiting { refusal, caller } in batch {
        *counts.entry(refusal.into()).or_default() += 1;
        callers.push(caller);
    }
    let outcome = commit(writer, counts).await;
    for caller in callers {
        // A caller that is gone does not hear it; its refusal is counted all the same.
        let _gone = caller.send(outcome.clone());
    }
}

/// In the order of the table's key: two servers that add to the same counts in PostgreSQL wait for
/// each other, and not crosswise.
async fn commit(writer: &Writer, counts: BTreeMap<Heading, i64>) -> Result<(), Error> {
    let written = writer.write(move |tx| {
        Box::pin(async move {
            for (heading, count) in &counts {
                tx.add_refusals(heading, *count).await?;
            }
            Ok(())
        })
    });
    written.await
}
