//! A running gateway: its listeners, from their start to an orderly stop.

use crate::{
    compat::Pace,
    console::Tail,
    forward_auth::Services,
    limits,
    listener::Listener,
    peer::Proxies,
    portal::{Ended, Pages, TextsOf},
    router::Router,
    routes,
    settings::{ListenerSettings, Settings},
    shares::Shares,
    upstream::Upstream,
    vitals::Vitals,
};
use fourauth_protocol::time::UnixMillis;
use rustls::ServerConfig;
use std::{fmt, io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The time, for ids of requests.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// What a gateway works with.
pub struct Parts {
    /// The way to the server.
    pub upstream: Arc<Upstream>,
    /// The source of `/readyz` and `/metrics`.
    pub vitals: Arc<dyn Vitals>,
    /// TLS with ALPN for `h2` and `http/1.1`. A listener with TLS needs it.
    pub tls: Option<Arc<ServerConfig>>,
    /// The time.
    pub clock: Clock,
    /// The texts of the pages for people.
    pub texts: TextsOf,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be used.
    #[error("cannot listen on {address} for web.listener: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        error: io::Error,
    },
    /// There is no certificate.
    #[error("web.listener on {0} has tls = true, and there is no certificate")]
    NoCertificate(SocketAddr),
}

/// What all requests share.
pub(crate) struct App {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) vitals: Arc<dyn Vitals>,
    pub(crate) clock: Clock,
    pub(crate) proxies: Proxies,
    pub(crate) router: Router,
    /// Connections.
    pub(crate) connections: Arc<Shares>,
    /// Requests in progress. The visitors of a proxy share its connections.
    pub(crate) requests: Arc<Shares>,
    /// Bytes of bodies.
    pub(crate) bodies: Arc<Shares>,
    /// Requests of the routes of older systems.
    pub(crate) pace: Pace,
    /// Other services. Their proxies ask whether a request may pass.
    pub(crate) services: Option<Services>,
    /// The pages for people, if browsers can find them.
    pub(crate) pages: Option<Pages>,
    /// New rows of the audit log, for the console.
    pub(crate) tail: Tail,
    /// Tokens of sessions that have ended, which browsers may still show.
    pub(crate) ended: Ended,
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("has_tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Binds all listeners and serves.
    ///
    /// # Errors
    ///
    /// [`StartError`] if one of the listeners cannot start. Then none is running.
    pub async fn start(settings: Settings, parts: Parts) -> Result<Self, StartError> {
        let Settings {
            proxies,
            connections,
            connections_per_source,
            origin,
            brand,
            forward_auth,
            listeners,
        } = settings;
        let Parts { upstream, vitals, tls, clock, texts } = parts;
        let few = limits::FEW_CONNECTIONS.min(connections_per_source);
        let places = || Shares::new(connections, connections_per_source, few);
        let app = Arc::new(App {
            upstream,
            vitals,
            clock,
            proxies: Proxies::new(proxies),
            router: Router::new(routes::all()),
            requests: places(),
            connections: places(),
            bodies: Shares::new(limits::BODIES, limits::BODIES_PER_SOURCE, limits::SMALL_BODY),
            pace: Pace::default(),
            services: forward_auth.map(Services::new),
            pages: origin.map(|origin| Pages::new(origin, brand, texts)),
            tail: Tail::default(),
            ended: Ended::default(),
        });
        let tls = tls.map(TlsAcceptor::from);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut bound = Vec::new();
        for listener in listeners {
            let socket = bind(&listener).await?;
            let acceptor =
                listener.tls.then(|| tls.clone().ok_or_else(|| no_certificate(&listener)));
            bound.push(Listener {
                socket,
                tls: acceptor.transpose()?,
                resources: listener.resources.into(),
                app: Arc::clone(&app),
                tasks: tasks.clone(),
                stop: stop.clone(),
            });
        }
        let addresses = bound.iter().filter_map(|it| it.socket.local_addr().ok()).collect();
        for listener in bound {
            tasks.spawn(listener.run());
        }
        Ok(Self { addresses, tasks, stop })
    }

    /// The addresses of the listeners, in the order of the settings.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts no more connections and requests, and waits until those in progress are answered or
    /// their time is over.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        // Each task has a deadline of its own once `stop` is cancelled.
        self.tasks.wait().await;
    }
}

async fn bind(listener: &ListenerSettings) -> Result<TcpListener, StartError> {
    let address = listener.bind;
    TcpListener::bind(address).await.map_err(|error| StartError::Bind { address, error })
}

fn no_certificate(listener: &ListenerSettings) -> StartError {
    StartError::NoCertificate(listener.bind)
}
