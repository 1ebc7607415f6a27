//! What runs beside the sessions: the clock, the rows of undecided attempts, forgetting old sessions.
//! Each task has an owner here that stops and awaits it.

use crate::{config::Config, dispatch::Context};
use fourauth_auth::{
    entropy,
    profile::Profile,
    undecided::{self, Undecided},
};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Error, Store};
use fourauth_timekeeper::{self as timekeeper, Clock, Floor, Timekeeper};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// When this version was made. No clock that is earlier can be right.
const RELEASED: UnixMillis = UnixMillis(1_793_491_200_000); // 2026-11-01

/// How often sessions that have ended by themselves are forgotten.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// The tasks of one server.
#[derive(Debug, Default)]
pub(crate) struct Chores {
    /// Told first: listener, sessions and everything that serves them.
    pub(crate) stop: CancellationToken,
    /// Told once no session is left: what writes their last words.
    finish: CancellationToken,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

impl Chores {
    /// Starts asking the configured servers for the time.
    pub(crate) async fn keep_time(
        &mut self,
        config: &Config,
        store: &Store,
    ) -> Result<Arc<dyn Clock>, Error> {
        let settings = timekeeper::Settings {
            servers: config.time.servers.clone(),
            profile: match config.auth.profile {
                Profile::Secure => timekeeper::Profile::Secure,
                Profile::Strict => timekeeper::Profile::Strict,
            },
            floor: Floor { last_audit: store.latest_audit_instant().await?, built: RELEASED },
        };
        let seed = u64::from_be_bytes(entropy::bytes());
        let (clock, task) = Timekeeper::start(settings, seed, self.stop.clone());
        self.tasks.push(task);
        Ok(clock)
    }

    /// Starts writing down what was never decided.
    pub(crate) fn write_undecided(&mut self, store: &Arc<Store>) -> Undecided {
        let (reports, log) = undecided::channel();
        self.tasks.push(tokio::spawn(log.run(Arc::clone(store), self.finish.clone())));
        reports
    }

    /// Starts forgetting sessions that have ended.
    pub(crate) fn keep_house(&mut self, context: &Arc<Context>, store: &Arc<Store>) {
        let (context, store) = (Arc::clone(context), Arc::clone(store));
        self.tasks.push(tokio::spawn(forget_sessions(context, store, self.stop.clone())));
    }

    /// Lets every task end. The sessions have ended before.
    pub(crate) async fn finish(self) {
        self.finish.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed");
            }
        }
    }
}

async fn forget_sessions(context: Arc<Context>, store: Arc<Store>, stop: CancellationToken) {
    let mut hours = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = context.clock.read().now;
        let forgotten: Result<u64, Error> = store
            .write(move |tx| Box::pin(async move { tx.forget_expired_sessions(now).await }))
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "expired sessions stay for now");
        }
    }
}
