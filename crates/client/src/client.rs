//! The client of one server, or of several with the same data: addresses, trust and time limits.

use crate::{
    address::ServerAddress,
    connection::Connection,
    error::Error,
    identity::Identity,
    idle::{Idle, Ready},
    limits::Limits,
    outcome::Outcome,
    tls::TlsStream,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, Login},
    mac_address::MacAddress,
    username::Username,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// Connects to a server. Cheap to clone; clones share idle connections and TLS sessions.
///
/// With [several addresses](crate::Builder::or_at) it connects to the next one if one of them fails. It
/// never repeats a command: the server may have decided it, even if its answer was lost. See
/// [`Error::may_have_been_decided`].
#[derive(Clone)]
pub struct Client {
    pub(crate) servers: Arc<[ServerAddress]>,
    pub(crate) tls: TlsConnector,
    pub(crate) limits: Limits,
    pub(crate) preamble: Arc<[u8]>,
    pub(crate) identity: Option<Arc<Identity>>,
    /// Index of the address that worked last.
    pub(crate) preferred: Arc<AtomicUsize>,
    pub(crate) idle: Idle,
}

impl Client {
    /// Adds the identity of this device. On each connection its proof goes in front of the first
    /// command that names an account and a device: see [`Connection::send`].
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Arc<Identity>>) -> Self {
        // The idle connections have proved another identity or none.
        Self { identity: Some(identity.into()), idle: Idle::default(), ..self }
    }

    /// The addresses, in the order in which they were given.
    #[must_use]
    pub fn servers(&self) -> &[ServerAddress] {
        &self.servers
    }

    /// Opens a new connection: to the address that worked last, else to the others in their order. If
    /// none can be reached, it tries again as often as [`Builder::retries`](crate::Builder::retries)
    /// says.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], [`Error::Untrusted`], [`Error::Tls`] or [`Error::ConnectTimeout`] if no
    /// address works. No command has been sent. Of several errors it is the first
    /// [`Error::Untrusted`], else the last. [`Error::RetriesExhausted`] after several attempts.
    ///
    /// # Panics
    ///
    /// Never: a client has at least one address.
    pub async fn connect(&self) -> Result<Connection, Error> {
        let mut attempts = self.limits.retries.start();
        loop {
            match self.connect_to_any().await {
                Err(error) if error.is_unreachable() => attempts.again_after(error).await?,
                connected_or_hopeless => return connected_or_hopeless,
            }
        }
    }

    async fn connect_to_any(&self) -> Result<Connection, Error> {
        let count = self.servers.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut failure = None;
        for index in (first..first + count).map(|index| index % count) {
            match self.connect_to(&self.servers[index]).await {
                Ok(connection) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) => failure = Some(Error::graver(failure, error)),
            }
        }
        Err(failure.expect("a client has at least one address"))
    }

    async fn connect_to(&self, server: &ServerAddress) -> Result<Connection, Error> {
        timeout(self.limits.connect_timeout, self.handshake(server))
            .await
            .map_err(|_| Error::ConnectTimeout)?
    }

    async fn handshake(&self, server: &ServerAddress) -> Result<Connection, Error> {
        let address = (server.host(), server.port());
        let mut socket = TcpStream::connect(address).await.map_err(Error::Connect)?;
        socket.set_nodelay(true).map_err(Error::Connect)?;
        socket.write_all(&self.preamble).await.map_err(Error::Connect)?;
        let stream = self.tls.connect(server.name(), socket).await;
        let stream = TlsStream::new(stream.map_err(Error::in_handshake)?);
        let channel = stream.exporter().map_err(Error::Tls)?;
        let connection = Connection::over(stream).with_limits(self.limits).with_channel(channel);
        Ok(match &self.identity {
            Some(identity) => connection.with_identity(Arc::clone(identity)),
            None => connection,
        })
    }

    /// A connection that is ready for a command: an idle one if the server has kept it open, else a
    /// new one. The client keeps it for the next command.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`]. No command has been sent.
    pub async fn ready(&self) -> Result<Ready, Error> {
        let connection = match self.idle.take().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(self.idle.lend(connection))
    }

    /// Sends one command on a connection that is [ready](Client::ready) and waits for the answer.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`] and [`Connection::send`].
    pub async fn send(&self, command: Command) -> Result<Answer, Error> {
        self.ready().await?.send(command).await
    }

    /// Sends one command that names no account, such as one with a token. If the client
    /// [has an identity](Client::with_identity), a device proof for this account and address goes in
    /// front of it. A session that is bound to a key needs one.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn send_as(
        &self,
        username: &Username,
        mac: MacAddress,
        command: Command,
    ) -> Result<Answer, Error> {
        self.ready().await?.send_as(username, mac, command).await
    }

    /// Connects, sends one command, waits for the answer and hangs up.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`] and [`Connection::send`].
    pub async fn send_once(&self, command: Command) -> Result<Answer, Error> {
        self.connect().await?.send(command).await
    }

    /// True if the server accepts the login: 4Auth's `login()`, for programs that need no more.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`] and [`Connection::send`]. Only an answer of the trusted server
    /// gives `true`.
    pub async fn login_once(&self, login: Login) -> Result<bool, Error> {
        self.connect().await?.login(login).await.map(|outcome| Outcome::is_granted(&outcome))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("servers", &self.servers)
            .field("limits", &self.limits)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
