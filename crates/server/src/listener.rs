//! Accepts connections, reads PROXY protocol headers, performs TLS handshakes and starts sessions.

use crate::{
    channel::Channel,
    connection::{Connection, ConnectionError},
    gateway,
    handshake::perform,
    limits::{open_connections::Dropped, slot::ConnectionSlot},
    proxy,
    session::{self, Peer, Shared},
    text::{self, Wire},
};
use fourauth_auth::origin::Origin;
use fourauth_daemon::tls::Certificate;
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    time::{Instant, interval, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Pause after a failed accept. Without it, a server out of file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Shortest time between two log lines about dropped connections. A flood drops thousands per
/// second.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes that the connection of the gateway in this process holds in each direction.
const IN_MEMORY: usize = 64 * 1024;

/// What the clients of a listener speak.
#[derive(Debug, Clone)]
pub(crate) enum Service {
    /// Frames over TLS.
    Frames,
    /// The text protocol.
    Text(Wire),
}

/// Accepts connections until the server stops.
#[derive(Clone)]
pub(crate) struct Listener {
    /// What clients speak here.
    pub service: Service,
    /// Performs TLS handshakes.
    pub tls: TlsAcceptor,
    /// The certificate that is presented to peers.
    pub certificate: Arc<Certificate>,
    /// Used by all sessions.
    pub shared: Shared,
    /// Owns the sessions.
    pub sessions: TaskTracker,
    /// Cancelled when the listener ends for any reason.
    pub stopped: CancellationToken,
}

/// A connection with a slot, behind the header of a proxy if there is one.
struct Accepted {
    stream: TcpStream,
    /// The other end of the socket.
    peer: SocketAddr,
    /// The address of the client; `None` if a proxy does not name it.
    client: Option<IpAddr>,
    slot: ConnectionSlot,
    /// The end of the time for the handshake.
    deadline: Instant,
}

impl Accepted {
    /// The address that limits and rows name: that of the client, or of a proxy that does not name it.
    fn address(&self) -> IpAddr {
        self.client.unwrap_or(self.peer.ip())
    }
}

impl Service {
    /// True if this address may connect.
    fn is_open_to(&self, address: IpAddr) -> bool {
        match self {
            Self::Frames => true,
            Self::Text(wire) => wire.is_open_to(address),
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("service", &self.service)
            .field("deadlines", &self.shared.deadlines)
            .finish_non_exhaustive()
    }
}

impl Listener {
    /// Accepts connections until `stop` is cancelled.
    pub(crate) async fn run(self, socket: TcpListener) {
        // Also dropped by a panic.
        let _stopped = self.stopped.clone().drop_guard();
        let mut reports = interval(REPORT_INTERVAL);
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = reports.tick() => {
                    self.report_dropped();
                    continue;
                }
                () = self.shared.stop.cancelled() => return self.report_dropped(),
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => self.pause(&error).await,
            }
        }
    }

    /// Starts a session if there is a slot. Otherwise closes the socket without an answer, which
    /// would cost a handshake.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        if !self.service.is_open_to(peer.ip()) {
            return tracing::debug!(%peer, "not in compat.legacy_networks");
        }
        let slot = match self.shared.sources.admit(peer.ip(), Instant::now()) {
            Ok(slot) => slot,
            Err(why) => return tracing::debug!(%peer, %why, "connection refused"),
        };
        let listener = self.clone();
        self.sessions.spawn(async move { listener.serve(stream, peer, slot).await });
    }

    async fn serve(self, mut stream: TcpStream, peer: SocketAddr, slot: ConnectionSlot) {
        // Each answer is one frame. Waiting to fill a segment would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let deadline = Instant::now() + self.shared.deadlines.handshake;
        let (slot, client) = match self.introduce(&mut stream, peer, slot, deadline).await {
            Ok(introduced) => introduced,
            Err(error) => return tracing::debug!(%peer, %error, "proxied connection refused"),
        };
        let accepted = Accepted { stream, peer, client, slot, deadline };
        let ended = match self.service.clone() {
            Service::Frames => self.serve_frames(accepted).await,
            Service::Text(wire) => self.serve_text(accepted, wire).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "session ended early");
        }
    }

    async fn serve_frames(self, accepted: Accepted) -> Result<(), ConnectionError> {
        let address = accepted.address().to_canonical();
        let Some((stream, slot)) = self.secure(accepted).await else { return Ok(()) };
        let channel = Channel::of(stream.get_ref().1, &self.certificate.leaf());
        let remote = Peer { address, is_shared: slot.is_shared(), channel };
        let connection = Connection::new(stream, self.shared.deadlines, slot);
        session::run(connection, self.shared, remote).await
    }

    async fn serve_text(self, accepted: Accepted, wire: Wire) -> Result<(), ConnectionError> {
        let origin = Origin::connected(accepted.address());
        if !wire.is_plain() {
            let Some((stream, slot)) = self.secure(accepted).await else { return Ok(()) };
            let connection = Connection::new(stream, self.shared.deadlines, slot);
            return text::run(connection, self.shared, origin, wire).await;
        }
        // The client of a proxy has sent its message in clear text as well, so the proxy must name it.
        if !accepted.client.is_some_and(|client| wire.is_open_to(client)) {
            tracing::debug!(client = ?accepted.client, "not in compat.legacy_networks");
            return Ok(());
        }
        let connection = Connection::new(accepted.stream, self.shared.deadlines, accepted.slot);
        text::run(connection, self.shared, origin.without_tls(), wire).await
    }

    /// Performs the TLS handshake. `None` if it fails or the connection is evicted.
    async fn secure(&self, accepted: Accepted) -> Option<(TlsStream<TcpStream>, ConnectionSlot)> {
        let Accepted { stream, peer, slot, deadline, .. } = accepted;
        let shaken = unless_evicted(&slot, perform(&self.tls, stream, deadline)).await;
        let Some(shaken) = shaken else {
            tracing::debug!(%peer, "evicted during the handshake");
            return None;
        };
        match shaken {
            Ok(stream) => Some((stream, slot)),
            Err(why) => {
                if let Some(offence) = why.offence() {
                    slot.penalise(offence);
                }
                tracing::debug!(%peer, %why, "handshake failed");
                None
            }
        }
    }

    /// The slot of the client and its address. Behind a proxy, both are known only after the header of
    /// the proxy. A client that the proxy does not name keeps the slot of the proxy and has no
    /// address.
    async fn introduce(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
        slot: ConnectionSlot,
        deadline: Instant,
    ) -> io::Result<(ConnectionSlot, Option<IpAddr>)> {
        if !self.shared.sources.is_proxy(peer.ip()) {
            return Ok((slot, Some(peer.ip())));
        }
        let header = timeout_at(deadline, proxy::receive(stream));
        let header =
            unless_evicted(&slot, async { header.await.unwrap_or_else(|late| Err(late.into())) });
        let evicted = || io::Error::new(ErrorKind::ConnectionAborted, "evicted");
        match header.await.ok_or_else(evicted)?? {
            proxy::Origin::Untold => Ok((slot, None)),
            proxy::Origin::Client(address) => {
                // Free the slot of the proxy first, so that the connection does not count twice.
                drop(slot);
                let slot =
                    self.shared.sources.admit(address, Instant::now()).map_err(io::Error::other)?;
                Ok((slot, Some(address)))
            }
        }
    }

    /// Opens a connection inside this process, which is that of a gateway. It ends when the server
    /// stops.
    pub(crate) fn open_gateway(&self) -> DuplexStream {
        let (client, server) = duplex(IN_MEMORY);
        let (shared, slot) = (self.shared.clone(), self.shared.sources.inside());
        let connection = Connection::new(server, shared.deadlines, slot);
        self.sessions.spawn(async move {
            let here = IpAddr::from(Ipv4Addr::LOCALHOST);
            let ended = gateway::run(connection, shared, gateway::Identity::InProcess, here).await;
            if let Err(error) = ended {
                tracing::debug!(%error, "the gateway in this process ended early");
            }
        });
        client
    }

    /// Logs all connections that were dropped since the last report, in one line.
    fn report_dropped(&self) {
        let Dropped { evicted, refused } = self.shared.sources.take_dropped();
        if evicted > 0 || refused > 0 {
            tracing::warn!(evicted, refused, "connections were dropped to make room");
        }
    }

    async fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept");
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
            () = self.shared.stop.cancelled() => {}
        }
    }
}

/// Runs a future until it completes, or returns `None` if the connection is evicted first.
async fn unless_evicted<T>(slot: &ConnectionSlot, future: impl Future<Output = T>) -> Option<T> {
    let evicted = slot.evicted();
    tokio::select! {
        done = future => Some(done),
        () = evicted.cancelled() => None,
    }
}
