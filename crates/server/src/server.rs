//! Starts the server and shuts it down in order.

use crate::{
    certificate,
    data_folder::{self, DataFolderLock},
    deadlines::Deadlines,
    dispatch::Context,
    first_run,
    gateway::Bounds,
    health::Health,
    limits::sources::Sources,
    listener::{Listener, Service},
    monitor::Monitor,
    parts::Parts,
    run_log::RunLog,
    session::Shared,
    tasks::BackgroundTasks,
    text::{self, Ports},
    vitals::Vitals,
};
use anyhow::Context as _;
use fourauth_checkpoints::{Publisher, erasure_signer};
use fourauth_config::{Config, TextConfig};
use fourauth_daemon::tls::{self, Certificate};
use fourauth_face::Engine;
use fourauth_private_file::scratch;
use fourauth_protocol::{frame, time::UnixMillis};
use fourauth_store::Store;
use fourauth_timekeeper::Clock;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{io::DuplexStream, net::TcpListener};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    text_addresses: TextConfig,
    certificate: Arc<Certificate>,
    context: Arc<Context>,
    store: Arc<Store>,
    vitals: Vitals,
    sessions: TaskTracker,
    listener: Listener,
    listener_stopped: CancellationToken,
    tasks: BackgroundTasks,
    run: RunLog,
    shutdown: Duration,
    _folder: DataFolderLock,
}

/// The source of the server's time.
#[derive(Debug)]
pub enum TimeSource {
    /// The configured NTP servers, starting from the system clock.
    Network,
    /// A clock from the caller.
    Given(Arc<dyn Clock>),
}

impl Server {
    /// Starts a server. `now` is the system time; it dates the files that a first run creates.
    ///
    /// # Errors
    ///
    /// Fails if any part cannot start. The message is meant for the operator.
    pub async fn start(
        config: &Config,
        engine: Arc<Engine>,
        time: TimeSource,
        now: UnixMillis,
    ) -> anyhow::Result<Self> {
        first_run::data_dir(&config.data_dir)?;
        data_folder::check(config)?;
        let folder = DataFolderLock::share(&config.data_dir)?;
        scratch::sweep_all(&config.data_dir)?;
        first_run::certificate(config, now)?;
        let certificate =
            Certificate::load(&config.certificate_file(), &config.private_key_file())?;
        let parts = Box::pin(Parts::open(config, engine, now)).await?;
        let has_checkpoints = parts.store.newest_checkpoint().await?.is_some();
        let mut publisher = Publisher::open(&config.publisher(), has_checkpoints, now)?;
        parts.store.sign_erasures(erasure_signer(&config.audit_dir())?);
        publisher.check(&parts.store, config.audit.on_rollback, now).await?;
        let socket = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = socket.local_addr()?;
        let text_ports = Ports::bind(&config.text).await?;
        let text_addresses = text_ports.addresses()?;

        let mut tasks = BackgroundTasks::default();
        let (clock, timekeeper): (Arc<dyn Clock>, _) = match time {
            TimeSource::Given(clock) => (clock, None),
            TimeSource::Network => {
                let keeper = tasks.start_clock(config, &parts.store, address).await?;
                (Arc::clone(&keeper) as _, Some(keeper))
            }
        };
        let store = Arc::clone(&parts.store);
        let authenticator = parts.authenticator(config, tasks.start_undecided_log(&store));
        let run = RunLog::begin(config, &store, &clock, address).await?;
        let every = Duration::from_secs(config.audit.checkpoint_s.into());
        let sinks = publisher.progress();
        tasks.start_signer(every, publisher, &store, Arc::clone(&clock)).await?;
        tasks.start_courier(config, &store, Arc::clone(&clock)).await?;
        let time = Arc::clone(&clock);
        let monitor =
            Monitor::new(config, Arc::clone(&store), time, Arc::clone(&certificate), sinks);
        let context = Arc::new(Context { authenticator, clock, monitor: Arc::clone(&monitor) });
        tasks.start_housekeeping(config.store.max_mib, &context, &store).await?;
        tasks.start_keyring_watch(&store);
        certificate.report(context.clock.read().now);
        tasks.start_monitor(&monitor).await;
        tasks.start_counting_faces(&context, &monitor);
        let (sessions, listener_stopped) = (TaskTracker::new(), CancellationToken::new());
        let shared = Shared {
            context: Arc::clone(&context),
            sources: Sources::new(&config.limits),
            deadlines: Deadlines::from(&config.limits),
            gateway: Bounds::from(&config.limits),
            origin: config.web.origin.as_ref().map(|origin| origin.as_str().into()),
            stop: tasks.stop.clone(),
        };
        let tls = |protocol| {
            let certificate = Arc::clone(&certificate);
            let configured = tls::server_config(certificate, config.tls.min_version, &[protocol]);
            configured.map(TlsAcceptor::from)
        };
        let listener = Listener {
            service: Service::Frames,
            tls: tls(frame::ALPN)?,
            certificate: Arc::clone(&certificate),
            shared,
            sessions: sessions.clone(),
            stopped: listener_stopped.clone(),
        };
        tasks.handles.push(tokio::spawn(listener.clone().run(socket)));
        let of_text = Listener {
            service: Service::Text(text::Wire::from(&config.compat)),
            tls: tls(text::ALPN)?,
            ..listener.clone()
        };
        for socket in text_ports.into_sockets() {
            tracing::info!(address = %socket.local_addr()?, "serving the text protocol");
            tasks.handles.push(tokio::spawn(of_text.clone().run(socket)));
        }
        let vitals = Vitals {
            context: Arc::clone(&context),
            sources: Arc::clone(&listener.shared.sources),
            timekeeper,
            monitor,
        };
        let shutdown = Duration::from_secs(config.limits.shutdown_s.into());
        Ok(Self {
            address,
            text_addresses,
            certificate,
            context,
            store,
            vitals,
            sessions,
            listener,
            listener_stopped,
            tasks,
            run,
            shutdown,
            _folder: folder,
        })
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The addresses that the text protocol is served on.
    #[must_use]
    pub const fn text_addresses(&self) -> &TextConfig {
        &self.text_addresses
    }

    /// The fingerprint of the certificate, which clients pin.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        certificate::fingerprint(&self.certificate.leaf())
    }

    /// The state that all sessions share.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// How the server is, also for tasks that do not have it.
    #[must_use]
    pub const fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// See [`Vitals::health`].
    pub async fn health(&self) -> Arc<Health> {
        self.vitals.health().await
    }

    /// See [`Vitals::metrics`].
    #[must_use]
    pub fn metrics(&self) -> String {
        self.vitals.metrics()
    }

    /// Opens a connection inside this process, which is that of the gateway
    /// [`IN_PROCESS`](crate::gateway::IN_PROCESS): each command on it states its peer. It needs no
    /// proof, because only this process has its other end. The server ends it when it stops.
    #[must_use]
    pub fn gateway(&self) -> DuplexStream {
        self.listener.open_gateway()
    }

    /// Opens connections as [`gateway`](Self::gateway) does, from a task that does not have the server.
    /// After the server has stopped, each ends at once.
    pub fn open_gateway(&self) -> impl Fn() -> DuplexStream + Send + Sync + 'static + use<> {
        let listener = self.listener.clone();
        move || listener.open_gateway()
    }

    /// The certificate, for listeners of other protocols. [`Self::reload_certificate`] replaces it there
    /// too.
    #[must_use]
    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// Waits until the listener has ended. Unless the server was stopped, this is a failure.
    pub async fn listener_stopped(&self) {
        self.listener_stopped.cancelled().await;
    }

    /// Reloads the certificate and its key. New connections use them.
    pub async fn reload_certificate(&self) {
        match self.certificate.reload() {
            Ok(()) => {
                let fingerprint = self.fingerprint();
                tracing::info!(fingerprint, "certificate reloaded");
                self.certificate.report(self.context.clock.read().now);
                self.run.certificate(Ok(&fingerprint)).await;
            }
            Err(error) => {
                tracing::error!(%error, "certificate reload failed; the current one stays in use");
                self.run.certificate(Err(&error.to_string())).await;
            }
        }
    }

    /// Stops accepting connections, answers the commands that have begun, and closes the database.
    pub async fn stop(mut self) {
        self.tasks.stop.cancel();
        self.sessions.close();
        if tokio::time::timeout(self.shutdown, self.sessions.wait()).await.is_err() {
            tracing::warn!(sessions = self.sessions.len(), "sessions did not end in time");
        }
        self.tasks.finish().await;
        let now = self.context.clock.read().now;
        if let Err(error) = self.store.conclude_all_uses(now).await {
            tracing::warn!(%error, "the uses of sessions in this hour have no audit row");
        }
        self.run.end().await;
        self.tasks.stop_signer().await;
        self.store.close().await;
    }
}
