//! What runs beside the sessions: the clock, the rows of undecided attempts, the house.
//! Each task has an owner here that stops and awaits it.

mod budget;
mod house;
pub(crate) mod time;

use crate::{config::Config, dispatch::Context};
use fourauth_auth::{
    entropy,
    profile::Profile,
    undecided::{self, Undecided},
};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Location, Store};
use fourauth_timekeeper::{self as timekeeper, Clock, Past, Timekeeper};
use std::{net::SocketAddr, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// When this version was made. No clock that is earlier can be right.
const RELEASED: UnixMillis = UnixMillis(1_793_491_200_000); // 2026-11-01

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
    /// Starts asking the configured servers for the time, above what is known of the past, and
    /// reporting about it. `address` is where this server listens.
    pub(crate) async fn keep_time(
        &mut self,
        config: &Config,
        store: &Arc<Store>,
        address: SocketAddr,
    ) -> anyhow::Result<Arc<dyn Clock>> {
        let node = time::node(&Location::parse(&config.store_url())?, address);
        let known = store.clock_past().await?;
        let settings = timekeeper::Settings {
            servers: config.time.servers.clone(),
            profile: match config.auth.profile {
                Profile::Secure => timekeeper::Profile::Secure,
                Profile::Strict => timekeeper::Profile::Strict,
            },
            past: Past { vouched: known.vouched, barred: known.barred, built: RELEASED },
        };
        let seed = u64::from_be_bytes(entropy::bytes());
        let (keeper, task) = Timekeeper::start(settings, seed, self.stop.clone());
        let reporter = time::Reporter::new(Arc::clone(&keeper), Arc::clone(store), node);
        self.tasks.extend([task, tokio::spawn(reporter.run(self.finish.clone()))]);
        Ok(keeper)
    }

    /// Starts writing down what was never decided.
    pub(crate) fn write_undecided(&mut self, store: &Arc<Store>) -> Undecided {
        let (reports, log) = undecided::channel();
        self.tasks.push(tokio::spawn(log.run(Arc::clone(store), self.finish.clone())));
        reports
    }

    /// Starts writing down what was turned away and forgetting what is old.
    pub(crate) fn keep_house(&mut self, context: &Arc<Context>, store: &Arc<Store>) {
        let (context, store) = (Arc::clone(context), Arc::clone(store));
        self.tasks.push(tokio::spawn(house::keep(context, store, self.stop.clone())));
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
