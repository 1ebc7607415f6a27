//! Puts the server together, and takes it apart in order.

use crate::{
    certificate,
    config::Config,
    deadlines::Deadlines,
    dispatch::Context,
    first_run,
    listener::Listener,
    tls::{self, Certificate},
};
use anyhow::Context as _;
use fourauth_auth::{
    authenticator::{self, Authenticator, Settings},
    compute::{Compute, Limits},
    entropy,
    faces::Faces,
    hashing::Hasher,
    profile::Profile,
    undecided,
};
use fourauth_face::Engine;
use fourauth_factors::{password::Cost, password_rule::PasswordRule};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Keyring, Location, Store};
use fourauth_timekeeper::{self as timekeeper, Clock, Floor, Timekeeper};
use std::{
    net::SocketAddr, num::NonZero, sync::Arc, thread::available_parallelism, time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// When this version was made. No clock that is earlier can be right.
const RELEASED: UnixMillis = UnixMillis(1_793_491_200_000); // 2026-11-01

/// How often sessions that have ended by themselves are forgotten.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// A server that is running.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    certificate: Arc<Certificate>,
    context: Arc<Context>,
    store: Arc<Store>,
    sessions: TaskTracker,
    /// Told first: listener, sessions and everything that serves them.
    stop: CancellationToken,
    /// Told once no session is left: what writes their last words.
    finish: CancellationToken,
    shutdown: Duration,
    tasks: Vec<JoinHandle<()>>,
}

/// Where the server's time comes from.
#[derive(Debug)]
pub enum TimeSource {
    /// The configured NTP servers, above what the system clock said at start.
    Network,
    /// A clock that the caller holds.
    Given(Arc<dyn Clock>),
}

impl Server {
    /// Starts a server. `now` is what the system clock says; it dates what is made on a first run.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from serving, in a sentence for the operator.
    pub async fn start(
        config: &Config,
        engine: Arc<Engine>,
        time: TimeSource,
        now: UnixMillis,
    ) -> anyhow::Result<Self> {
        first_run::data_dir(config)?;
        first_run::certificate(config, now)?;
        let certificate =
            Certificate::load(&config.certificate_file(), &config.private_key_file())?;
        let location = Location::parse(&config.store_url())?;
        let keyring = Arc::new(first_run::keyring(config, &location, now).await?);

        let compute = Compute::start(compute_limits(config))?;
        let hasher = hasher(config, &compute, &keyring)?;
        let faces = Faces::new(compute, engine, keyring.pepper().clone());
        let decoy =
            authenticator::decoy(&hasher, |account, epoch| faces.decoy(account, epoch)).await?;
        let store = Arc::new(Store::open(&location, keyring, decoy).await?);
        first_run::setup_admin(config, &store, &hasher, now).await?;

        let (stop, finish) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = Vec::new();
        let clock = match time {
            TimeSource::Given(clock) => clock,
            TimeSource::Network => keep_time(config, &store, &stop, &mut tasks).await?,
        };
        let (reports, log) = undecided::channel();
        let authenticator =
            Authenticator::new(Arc::clone(&store), hasher, faces, settings(config), reports);
        let context = Arc::new(Context { authenticator, clock });
        tasks.push(tokio::spawn(log.run(Arc::clone(&store), finish.clone())));
        tasks.push(tokio::spawn(housekeeping(
            Arc::clone(&context),
            Arc::clone(&store),
            stop.clone(),
        )));

        let socket = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = socket.local_addr()?;
        let sessions = TaskTracker::new();
        let listener = Listener {
            tls: TlsAcceptor::from(tls::server_config(
                Arc::clone(&certificate),
                config.tls.min_version,
            )?),
            context: Arc::clone(&context),
            deadlines: Deadlines::from(&config.limits),
            permits: Arc::new(Semaphore::new(config.limits.connections)),
            sessions: sessions.clone(),
            stop: stop.clone(),
        };
        tasks.push(tokio::spawn(listener.run(socket)));
        let shutdown = Duration::from_secs(config.limits.shutdown_s.into());
        Ok(Self { address, certificate, context, store, sessions, stop, finish, shutdown, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients pin.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        certificate::fingerprint(&self.certificate.leaf())
    }

    /// What its sessions share.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Its database.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Reads certificate and key again, for connections to come.
    pub fn reload_certificate(&self) {
        match self.certificate.reload() {
            Ok(()) => tracing::info!(fingerprint = self.fingerprint(), "certificate reloaded"),
            Err(error) => tracing::error!(%error, "the certificate in use stays"),
        }
    }

    /// Accepts nothing more, answers what has begun, and closes the database.
    pub async fn stop(self) {
        self.stop.cancel();
        self.sessions.close();
        if tokio::time::timeout(self.shutdown, self.sessions.wait()).await.is_err() {
            tracing::warn!(sessions = self.sessions.len(), "sessions did not end in time");
        }
        self.finish.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed");
            }
        }
        self.store.close().await;
    }
}

/// A hasher of the configured cost.
///
/// # Errors
///
/// If no hash can be made at that cost.
pub fn hasher(config: &Config, compute: &Compute, keyring: &Keyring) -> anyhow::Result<Hasher> {
    let cost =
        Cost { memory_kib: config.auth.argon2_memory_kib, passes: config.auth.argon2_passes };
    Hasher::new(compute.clone(), cost, keyring.pepper().clone())
        .context("auth.argon2_memory_kib and auth.argon2_passes name no cost that can be used")
}

/// The configured limits of the compute pool.
#[must_use]
pub fn compute_limits(config: &Config) -> Limits {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    Limits {
        threads: if config.compute.threads == 0 { cores() } else { config.compute.threads },
        queue: config.compute.queue,
        deadline: Duration::from_millis(config.compute.deadline_ms.into()),
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        profile: config.auth.profile,
        password_rule: PasswordRule::default(),
        issuer: config.auth.issuer.clone(),
        session_ms: i64::from(config.auth.session_s) * 1000,
        keep_image: config.face.keep_image,
    }
}

async fn keep_time(
    config: &Config,
    store: &Store,
    stop: &CancellationToken,
    tasks: &mut Vec<JoinHandle<()>>,
) -> anyhow::Result<Arc<dyn Clock>> {
    let settings = timekeeper::Settings {
        servers: config.time.servers.clone(),
        profile: match config.auth.profile {
            Profile::Secure => timekeeper::Profile::Secure,
            Profile::Strict => timekeeper::Profile::Strict,
        },
        floor: Floor { last_audit: store.latest_audit_instant().await?, built: RELEASED },
    };
    let seed = u64::from_be_bytes(entropy::bytes());
    let (clock, task) = Timekeeper::start(settings, seed, stop.clone());
    tasks.push(task);
    Ok(clock)
}

async fn housekeeping(context: Arc<Context>, store: Arc<Store>, stop: CancellationToken) {
    let mut hours = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = context.clock.read().now;
        let forgotten =
            store.write(move |tx| Box::pin(async move { tx.forget_expired_sessions(now).await }));
        if let Err(error) = forgotten.await {
            let error: fourauth_store::Error = error;
            tracing::warn!(%error, "expired sessions stay for now");
        }
    }
}
