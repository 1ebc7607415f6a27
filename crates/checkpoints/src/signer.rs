//! Background task that signs the audit log: at the configured interval if the log has grown, and
//! at shutdown.
//!
//! `publisher` signs and exports. A sink that does not answer or a busy database delays no
//! request: the next interval signs the rows that were left.

use crate::{
    given_up::GivenUp,
    last_signed::Growth,
    publisher::Publisher,
    rollback::{OtherHistory, alarm},
};
use fourauth_audit::tree::Frontier;
use fourauth_store::{Error, Store};
use fourauth_timekeeper::Clock;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

/// Interval at which waiting leaves enter the tree, on databases where they wait.
const GROW_INTERVAL: Duration = Duration::from_millis(200);

/// Interval between log messages about a tree that is not signed.
const REMINDER: Duration = Duration::from_mins(1);

/// Signs one log.
#[derive(Debug)]
pub struct Signer {
    publisher: Publisher,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    every: Duration,
    /// When the text log last said that the tree contradicts what was signed. `None` if it does not.
    contradicted: Option<Instant>,
}

impl Signer {
    /// Continues after the newest valid checkpoint. Signs once per interval `every`.
    ///
    /// A checkpoint in the database counts only if it is valid for this tree. If it is not, the
    /// database was changed, which is logged as an error.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn new(
        mut publisher: Publisher,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        every: Duration,
    ) -> Result<Self, Error> {
        Box::pin(publisher.resume(&store, clock.read().now)).await?;
        Ok(Self { publisher, store, clock, every, contradicted: None })
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
        self.publisher.advance_epoch(&self.store, self.clock.read().now).await;
        if let Err(error) = self.sign_new_rows().await {
            tracing::error!(%error, "the audit log was not signed");
        }
    }

    async fn sign_new_rows(&mut self) -> Result<(), Error> {
        let tree = self.store.tree_head().await?.frontier;
        match self.publisher.growth(&tree, &self.store).await? {
            Growth::Unchanged => Ok(()),
            Growth::Grown => self.sign_tree(&tree).await,
            Growth::Contradiction => self.refuse(&tree).await,
        }
    }

    async fn sign_tree(&mut self, tree: &Frontier) -> Result<(), Error> {
        self.contradicted = None;
        let now = self.clock.read().now;
        let signed = match self.publisher.sign(tree.size(), tree.root(), now) {
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
        self.publisher.publish(&signed);
        Ok(())
    }

    /// Signs nothing: the tree lacks or contradicts what was signed last. A signature would vouch
    /// for the change. It can be signed once an operator has accepted a rollback.
    async fn refuse(&mut self, tree: &Frontier) -> Result<(), Error> {
        let Some(last) = self.publisher.last().cloned() else { return Ok(()) };
        if GivenUp::read(&self.store, self.publisher.verifying_key()).await?.covers(&last) {
            self.publisher.forget_last();
            self.publisher.settle_epoch(&self.store, self.clock.read().now).await;
            return Ok(());
        }
        let said = self.contradicted;
        if said.is_none_or(|said| said.elapsed() >= REMINDER) {
            tracing::error!(
                size = tree.size(),
                signed = last.size,
                "the audit log is not signed: its tree does not begin with what was signed last. \
                 The database was changed. Run `fourauthd audit verify`"
            );
            self.contradicted = Some(Instant::now());
        }
        if said.is_none() {
            let row = alarm(&last, OtherHistory::Running, self.clock.read().now);
            self.store.append(row).await?;
        }
        Ok(())
    }
}
