//! Signs the audit log: as often as is configured if it has grown, and at the end.
//!
//! What is signed and where it goes is [`crate`]'s business. A sink that is away or a
//! database that is busy stops nobody: the next tick signs more.

use crate::publisher::Publisher;
use fourauth_store::{Error, SignedCheckpoint, Store};
use fourauth_timekeeper::Clock;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often leaves that wait enter the tree, where they have to wait.
const GROWTH: Duration = Duration::from_millis(200);

/// What signs one log.
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
    /// Goes on where an earlier run has stopped, and signs at most so often.
    ///
    /// What the database calls the newest checkpoint is believed if it is one of this tree. If it is
    /// not, somebody has written there: it is an alarm, and the tree is signed anew.
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
            // It may never have got out: the process was killed, or the places were away.
            Some(newest) if publisher.has_signed(&newest, &store).await? => {
                publisher.publish(&newest);
                newest.size
            }
            Some(SignedCheckpoint { size, .. }) => {
                tracing::error!(
                    size,
                    "the newest checkpoint in the database is none of this log: somebody has \
                     written to it. Run `fourauthd audit verify`"
                );
                0
            }
            None => 0,
        };
        Ok(Self { publisher, store, clock, every, signed })
    }

    /// Signs until told to stop, and then what is left. Tell it once nobody writes any more.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(GROWTH);
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
            tracing::warn!(%error, "the tree of the audit log did not grow");
        }
    }

    async fn sign(&mut self) {
        self.publisher.turn(self.clock.read().now);
        if let Err(error) = self.sign_what_has_grown().await {
            tracing::error!(%error, "the audit log was not signed");
        }
    }

    async fn sign_what_has_grown(&mut self) -> Result<(), Error> {
        let head = self.store.tree_head().await?.frontier;
        if head.size() < self.signed {
            tracing::error!(
                size = head.size(),
                signed = self.signed,
                "the tree of the audit log has fewer rows than were signed: somebody has written to \
                 the database. Run `fourauthd audit verify`"
            );
            // What grows from here is signed, and proves it.
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
        // Another server may have signed this tree, and may not live to send it.
        let _is_first: bool = keep.await?;
        self.signed = head.size();
        self.publisher.publish(&signed);
        Ok(())
    }
}
