//! What runs beside the sessions: the clock, the rows of undecided attempts, the house.
//! Each task has an owner here that stops and awaits it.

mod budget;
mod house;
mod keys;
mod room;
pub(crate) mod time;

use crate::dispatch::Context;
use fourauth_auth::{
    entropy,
    profile::Profile,
    undecided::{self, Undecided},
};
use fourauth_checkpoints::{Publisher, signer::Signer};
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::Store;
use fourauth_timekeeper::{self as timekeeper, Clock, Past, Timekeeper};
use room::Room;
use std::{net::SocketAddr, sync::Arc, time::Duration};
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
    /// Told once nobody writes any more: what signs the audit log.
    seal: CancellationToken,
    signer: Option<JoinHandle<()>>,
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
        let node = time::node(&config.location(), address);
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

    /// Starts writing down what was turned away, forgetting what is old and measuring the room. A
    /// database that is full is known to be so from the first command on.
    pub(crate) async fn keep_house(
        &mut self,
        config: &Config,
        context: &Arc<Context>,
        store: &Arc<Store>,
    ) -> anyhow::Result<()> {
        let mut room = Room::new(config.store.max_mib);
        room.measure(&context.authenticator, store, context.clock.read().now).await?;
        let (context, store) = (Arc::clone(context), Arc::clone(store));
        self.tasks.push(tokio::spawn(house::keep(context, store, room, self.stop.clone())));
        Ok(())
    }

    /// Starts signing the audit log.
    pub(crate) async fn sign(
        &mut self,
        config: &Config,
        publisher: Publisher,
        store: &Arc<Store>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        let every = Duration::from_secs(config.audit.checkpoint_s.into());
        let signer = Signer::new(publisher, Arc::clone(store), clock, every).await?;
        self.signer = Some(tokio::spawn(signer.run(self.seal.clone())));
        Ok(())
    }

    /// Starts to follow the keyring's file.
    pub(crate) fn follow_keyring(&mut self, store: &Arc<Store>) {
        self.tasks.push(tokio::spawn(keys::follow(Arc::clone(store), self.stop.clone())));
    }

    /// Lets every task end that writes. The sessions have ended before.
    pub(crate) async fn finish(&mut self) {
        self.finish.cancel();
        for task in self.tasks.drain(..) {
            ended(task).await;
        }
    }

    /// Lets the last task end, which signs what was written.
    pub(crate) async fn seal(self) {
        self.seal.cancel();
        if let Some(signer) = self.signer {
            ended(signer).await;
        }
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task failed");
    }
}
