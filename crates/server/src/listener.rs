//! Accepts sockets, learns from proxies which client they are for, shakes hands and starts sessions.

use crate::{
    channel::Channel,
    connection::Connection,
    crowd::Dropped,
    deadlines::Deadlines,
    dispatch::Context,
    handshake::shake_hands,
    place::Place,
    proxy::{self, Origin},
    session::{self, Peer},
    sources::Sources,
    tls::Certificate,
};
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, interval, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Rest after a failed accept. Out of file descriptors, accepting again at once would spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Between two lines of the log about connections that were dropped: a flood drops thousands a second.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

/// What a listener needs for its whole life.
#[derive(Clone)]
pub struct Listener {
    /// Speaks TLS.
    pub tls: TlsAcceptor,
    /// What is shown to peers.
    pub certificate: Arc<Certificate>,
    /// Shared by the sessions.
    pub context: Arc<Context>,
    /// How long peers may take.
    pub deadlines: Deadlines,
    /// What each source may take.
    pub sources: Arc<Sources>,
    /// Owns the sessions.
    pub sessions: TaskTracker,
    /// Ends the listener and asks the sessions to end.
    pub stop: CancellationToken,
    /// Told once nobody is accepted any more, for whatever reason.
    pub deaf: CancellationToken,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}

impl Listener {
    /// Accepts until told to stop.
    pub async fn run(self, socket: TcpListener) {
        // A panic drops it as well.
        let _deaf = self.deaf.clone().drop_guard();
        let mut reports = interval(BETWEEN_REPORTS);
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = reports.tick() => {
                    self.report_dropped();
                    continue;
                }
                () = self.stop.cancelled() => return self.report_dropped(),
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => self.rest(&error).await,
            }
        }
    }

    /// Starts a session if there is room for one. Otherwise the socket is closed unanswered: a peer
    /// that is told why would cost a handshake.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let place = match self.sources.admit(peer.ip(), Instant::now()) {
            Ok(place) => place,
            Err(why) => return tracing::debug!(%peer, %why, "turned away"),
        };
        let listener = self.clone();
        self.sessions.spawn(async move { listener.serve(stream, peer, place).await });
    }

    async fn serve(self, mut stream: TcpStream, peer: SocketAddr, place: Place) {
        // Answers are one frame each: waiting to fill a segment only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "no TCP_NODELAY");
        }
        let deadline = Instant::now() + self.deadlines.handshake;
        let (place, address) = match self.introduce(&mut stream, peer, place, deadline).await {
            Ok(introduced) => introduced,
            Err(error) => return tracing::debug!(%peer, %error, "not introduced"),
        };
        let shaken = unless_evicted(&place, shake_hands(&self.tls, stream, deadline)).await;
        let Some(shaken) = shaken else {
            return tracing::debug!(%peer, "evicted in its handshake");
        };
        let stream = match shaken {
            Ok(stream) => stream,
            Err(why) => {
                if let Some(offence) = why.offence() {
                    place.penalise(offence);
                }
                return tracing::debug!(%peer, %why, "no connection");
            }
        };
        let whom = Peer {
            address: address.to_canonical(),
            is_shared: place.is_shared(),
            channel: Channel::of(stream.get_ref().1, &self.certificate.leaf()),
        };
        let connection = Connection::new(stream, self.deadlines, place);
        let ended = session::run(connection, self.context, whom, self.deadlines, self.stop);
        if let Err(error) = ended.await {
            tracing::debug!(%peer, %error, "session ended early");
        }
    }

    /// The address of the client, and its place. Behind a proxy both are known once the proxy has
    /// introduced it; a client that it does not name keeps the place and address of the proxy.
    async fn introduce(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
        place: Place,
        deadline: Instant,
    ) -> io::Result<(Place, IpAddr)> {
        if !self.sources.is_proxy(peer.ip()) {
            return Ok((place, peer.ip()));
        }
        let told = timeout_at(deadline, proxy::receive(stream));
        let told =
            unless_evicted(&place, async { told.await.unwrap_or_else(|late| Err(late.into())) });
        let evicted = || io::Error::new(ErrorKind::ConnectionAborted, "evicted");
        match told.await.ok_or_else(evicted)?? {
            Origin::Untold => Ok((place, peer.ip())),
            Origin::Client(address) => {
                // So that the client takes its place and not one more.
                drop(place);
                let place =
                    self.sources.admit(address, Instant::now()).map_err(io::Error::other)?;
                Ok((place, address))
            }
        }
    }

    /// One line, however many there were.
    fn report_dropped(&self) {
        let Dropped { evicted, refused } = self.sources.take_dropped();
        if evicted > 0 || refused > 0 {
            tracing::warn!(evicted, refused, "connections were dropped to make room");
        }
    }

    async fn rest(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept");
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_REST) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// What comes of something that a peer does; `None` if its place is taken first.
async fn unless_evicted<T>(place: &Place, doing: impl Future<Output = T>) -> Option<T> {
    let evicted = place.evicted();
    tokio::select! {
        done = doing => Some(done),
        () = evicted.cancelled() => None,
    }
}
