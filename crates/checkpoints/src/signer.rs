//! Background task that signs the audit log: at the configured interval if the log has grown, and
//! at shutdown.
//!
//! `publisher` signs and exports. A sink that does not answer or a busy database delays no
//! request: the next interval signs the rows that were left.

use crate::publisher::Publisher;
use fourauth_store::{Error, SignedCheckpoint, Store};
use fourauth_timekeeper::Clock;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

/// Interval at which waiting leaves enter the tree, on databases where they wait.
const GROW_INTERVAL: Duration = Duration::from_millis(200);

/// Signs one log.
#[derive(Debug)]
pub struct Signer {
    publisher: Publisher,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    every: Duration,
    /// Leaves of the tree that was signed last.
    signed: u64,
}

impl Signer {
    /// Continues after the newest checkpoint in the database. Signs once per interval `every`.
    ///
    /// The newest checkpoint counts only if it is valid for this tree. If it is not, the database
    /// was changed: this is logged as an error, and the tree is signed again.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn new(
        publisher: Publisher,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        every: Duration,
    ) -> Result<Self, Error> {
        let signed = match store.newest_checkpoint().await? {
            // It may not have been exported: the process was killed, or no sink answered.
            Some(newest) if publisher.has_signed(&newest, &store).await? => {
                publisher.publish(&newest);
                newest.size
            }
            Some(SignedCheckpoint { size, .. }) => {
                tracing::error!(
                    size,
                    "the newest checkpoint in the database does not belong to this log: the \
                     database was changed. Run `fourauthd audit verify`"
                );
                0
            }
            None => 0,
        };
        Ok(Self { publisher, store, clock, every, signed })
    }

    /// Signs until `stop` is cancelled, and then signs the rows that are left. Cancel it after the
    /// last row is written.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(GROW_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now() + self.every;
        loop {
            tokio::select! {
                _ = ticks.tick() => self.grow().await,
                () = sleep_until(due) => {
                    self.sign().await;
                    due = Instant::now() + self.every;
                }
                () = stop.cancelled() => break,
            }
        }
        self.grow().await;
        self.sign().await;
        self.publisher.finish().await;
    }

    async fn grow(&self) {
        if let Err(error) = self.store.integrate_all().await {
            tracing::warn!(%error, "cannot add rows to the tree of the audit log");
        }
    }

    async fn sign(&mut self) {
        self.publisher.advance_epoch(self.clock.read().now);
        if let Err(error) = self.sign_new_rows().await {
            tracing::error!(%error, "the audit log was not signed");
        }
    }

    async fn sign_new_rows(&mut self) -> Result<(), Error> {
        let head = self.store.tree_head().await?.frontier;
        if head.size() < self.signed {
            tracing::error!(
                size = head.size(),
                signed = self.signed,
                "the tree of the audit log has fewer rows than were signed: the database was \
                 changed. Run `fourauthd audit verify`"
            );
            // Later checkpoints contradict the exported ones, which proves the change.
            self.signed = head.size();
        }
        if head.size() == self.signed {
            return Ok(());
        }
        let now = self.clock.read().now;
        let signed = match self.publisher.sign(head.size(), head.root(), now) {
            Ok(signed) => signed,
            Err(error) => {
                tracing::error!(%error, "the audit log was not signed");
                return Ok(());
            }
        };
        let kept = signed.clone();
        let keep =
            self.store.write(move |tx| Box::pin(async move { tx.note_checkpoint(&kept).await }));
        // Publish it even if another server stored its checkpoint first: that server may have
        // crashed before it sent it.
        let _is_first: bool = keep.await?;
        self.signed = head.size();
        self.publisher.publish(&signed);
        Ok(())
    }
}
