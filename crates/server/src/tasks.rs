//! Background tasks: the clock, rows of undecided attempts, housekeeping, notices, signing of the
//! audit log.
//! `BackgroundTasks` owns every task, stops it and awaits it.

pub mod clock;
mod courier;
mod housekeeping;
mod keyring_watch;
mod outdated_faces;
mod row_budget;
mod size_limit;

use crate::{dispatch::Context, monitor::Monitor};
use fourauth_auth::{
    attempt::undecided::{self, Undecided},
    entropy,
    profile::Profile,
};
use fourauth_checkpoints::{Publisher, signer::Signer};
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::Store;
use fourauth_timekeeper::{self as timekeeper, Clock, Past, Timekeeper};
use size_limit::SizeLimit;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Build date of this version. An earlier clock is wrong.
const RELEASED: UnixMillis = UnixMillis(1_793_491_200_000); // 2026-11-01

/// Background tasks of one server.
#[derive(Debug, Default)]
pub(crate) struct BackgroundTasks {
    /// Cancelled first. Stops the listener, the sessions and the tasks that serve them.
    pub(crate) stop: CancellationToken,
    /// Cancelled when no session is left. Stops the tasks that write rows about sessions.
    finish: CancellationToken,
    pub(crate) handles: Vec<JoinHandle<()>>,
    /// Cancelled when no task writes any more. Stops the task that signs the audit log.
    seal: CancellationToken,
    signer: Option<JoinHandle<()>>,
}

impl BackgroundTasks {
    /// Starts the timekeeper, and the task that reports its state to the database.
    ///
    /// The time never falls below what the database knows of the past. `address` is where this
    /// server listens.
    pub(crate) async fn start_clock(
        &mut self,
        config: &Config,
        store: &Arc<Store>,
        address: SocketAddr,
    ) -> anyhow::Result<Arc<Timekeeper>> {
        let node = clock::node(&config.location(), address);
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
        let reporter = clock::Reporter::new(Arc::clone(&keeper), Arc::clone(store), node);
        self.handles.extend([task, tokio::spawn(reporter.run(self.finish.clone()))]);
        Ok(keeper)
    }

    /// Starts the task that writes rows about undecided attempts.
    pub(crate) fn start_undecided_log(&mut self, store: &Arc<Store>) -> Undecided {
        let (reports, log) = undecided::channel();
        self.handles.push(tokio::spawn(log.run(Arc::clone(store), self.finish.clone())));
        reports
    }

    /// Starts housekeeping: writes rows about refused requests, deletes old data and measures the
    /// size of the database.
    ///
    /// Measures once before it returns, so that the first command already sees a full database.
    pub(crate) async fn start_housekeeping(
        &mut self,
        max_mib: u32,
        context: &Arc<Context>,
        store: &Arc<Store>,
    ) -> anyhow::Result<()> {
        let mut size_limit = SizeLimit::new(max_mib);
        size_limit.check(&context.authenticator, store, context.clock.read().now).await?;
        let (context, store) = (Arc::clone(context), Arc::clone(store));
        self.handles.push(tokio::spawn(housekeeping::run(
            context,
            store,
            size_limit,
            self.stop.clone(),
        )));
        Ok(())
    }

    /// Starts the courier, if it has something to send with.
    pub(crate) async fn start_courier(
        &mut self,
        config: &Config,
        store: &Arc<Store>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        if let Some(courier) = courier::open(config, store).await? {
            self.handles.push(tokio::spawn(courier::run(courier, clock, self.stop.clone())));
        }
        Ok(())
    }

    /// Starts the task that signs the audit log.
    pub(crate) async fn start_signer(
        &mut self,
        every: Duration,
        publisher: Publisher,
        store: &Arc<Store>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        let signer = Signer::new(publisher, Arc::clone(store), clock, every).await?;
        self.signer = Some(tokio::spawn(signer.run(self.seal.clone())));
        Ok(())
    }

    /// Starts the task that checks and counts when metrics are read. It has done so once before it
    /// returns, so that the first reading has every number.
    pub(crate) async fn start_monitor(&mut self, monitor: &Arc<Monitor>) {
        monitor.health().await;
        self.handles.push(tokio::spawn(Arc::clone(monitor).run(self.stop.clone())));
    }

    /// Starts the task that counts the faces of other model packs.
    pub(crate) fn start_counting_faces(&mut self, context: &Arc<Context>, monitor: &Arc<Monitor>) {
        let (context, monitor) = (Arc::clone(context), Arc::clone(monitor));
        self.handles.push(tokio::spawn(outdated_faces::run(context, monitor, self.stop.clone())));
    }

    /// Starts the task that watches the keyring file.
    pub(crate) fn start_keyring_watch(&mut self, store: &Arc<Store>) {
        self.handles
            .push(tokio::spawn(keyring_watch::follow(Arc::clone(store), self.stop.clone())));
    }

    /// Stops every task that writes rows, and waits for it. Call it after the sessions have ended.
    pub(crate) async fn finish(&mut self) {
        self.finish.cancel();
        for task in self.handles.drain(..) {
            ended(task).await;
        }
    }

    /// Stops the signer, which signs the last rows first, and waits for it.
    pub(crate) async fn stop_signer(self) {
        self.seal.cancel();
        if let Some(signer) = self.signer {
            ended(signer).await;
        }
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a background task failed");
    }
}
