//! Accepts sockets, shakes hands and starts sessions.

use crate::{
    channel::Channel,
    connection::Connection,
    deadlines::Deadlines,
    dispatch::Context,
    handshake::shake_hands,
    session::{self, Peer},
    sources::{Place, Sources},
    tls::Certificate,
};
use fourauth_auth::entropy;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Rest after a failed accept. Out of file descriptors, accepting again at once would spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);

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
    /// One permit a connection.
    pub permits: Arc<Semaphore>,
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
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = self.stop.cancelled() => return,
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
        let draw = u32::from_be_bytes(entropy::bytes());
        let place = match self.sources.admit(peer.ip(), draw, Instant::now()) {
            Ok(place) => place,
            Err(why) => return tracing::debug!(%peer, %why, "turned away"),
        };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return tracing::warn!(%peer, "no room for another connection");
        };
        let listener = self.clone();
        self.sessions.spawn(async move {
            listener.serve(stream, peer, place).await;
            drop(permit);
        });
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, place: Place) {
        // Answers are one frame each: waiting to fill a segment only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "no TCP_NODELAY");
        }
        let stream = match shake_hands(&self.tls, stream, self.deadlines.handshake).await {
            Ok(stream) => stream,
            Err(why) => {
                if let Some(offence) = why.offence() {
                    place.penalise(offence);
                }
                return tracing::debug!(%peer, %why, "no connection");
            }
        };
        let whom = Peer {
            address: peer.ip().to_canonical(),
            channel: Channel::of(stream.get_ref().1, &self.certificate.leaf()),
        };
        let connection = Connection::new(stream, self.deadlines, place);
        let ended = session::run(connection, self.context, whom, self.deadlines, self.stop);
        if let Err(error) = ended.await {
            tracing::debug!(%peer, %error, "session ended early");
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
