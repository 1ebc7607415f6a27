//! The client of one server: its address, the trust in it, and the time limits.

use crate::{
    address::ServerAddress, connection::Connection, error::Error, identity::Identity,
    limits::Limits, outcome::Outcome, trust::Trust,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, Login},
    frame::MAX_PAYLOAD,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// Default limit for name lookup, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Default limit for a command, from its first byte to the last byte of its answer. A full server
/// queues for seconds; five pictures over a slow line take longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to one server. Cheap to clone; clones share TLS sessions and so reconnect faster.
#[derive(Clone)]
pub struct Client {
    server: ServerAddress,
    tls: TlsConnector,
    limits: Limits,
    preamble: Arc<[u8]>,
    identity: Option<Arc<Identity>>,
}

/// Collects the options that differ from the defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    server: ServerAddress,
    trust: Trust,
    tls12: bool,
    limits: Limits,
    preamble: Arc<[u8]>,
}

impl Client {
    /// A client with the default limits and TLS 1.3 only.
    #[must_use]
    pub fn new(server: ServerAddress, trust: Trust) -> Self {
        Self::builder(server, trust).build()
    }

    /// Starts a builder from the server's address and the trust in it; neither has a default.
    pub fn builder(server: ServerAddress, trust: Trust) -> Builder {
        let limits = Limits {
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            max_answer: MAX_PAYLOAD,
        };
        Builder { server, trust, tls12: false, limits, preamble: Arc::default() }
    }

    /// Adds the identity of this device. On each connection its proof goes in front of the first
    /// command that names an account and a device: see [`Connection::send`].
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Arc<Identity>>) -> Self {
        Self { identity: Some(identity.into()), ..self }
    }

    /// The server's address.
    #[must_use]
    pub const fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// Opens a connection to the trusted server.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], [`Error::Untrusted`], [`Error::Tls`] or [`Error::ConnectTimeout`]. No
    /// command has been sent.
    pub async fn connect(&self) -> Result<Connection, Error> {
        timeout(self.limits.connect_timeout, self.handshake())
            .await
            .map_err(|_| Error::ConnectTimeout)?
    }

    async fn handshake(&self) -> Result<Connection, Error> {
        let address = (self.server.host(), self.server.port());
        let mut socket = TcpStream::connect(address).await.map_err(Error::Connect)?;
        socket.set_nodelay(true).map_err(Error::Connect)?;
        socket.write_all(&self.preamble).await.map_err(Error::Connect)?;
        let stream = self.tls.connect(self.server.name(), socket).await;
        let stream = stream.map_err(Error::in_handshake)?;
        Ok(Connection::new(stream, self.limits, self.identity.clone()))
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
            .field("server", &self.server)
            .field("limits", &self.limits)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Limits name lookup, TCP and TLS together. 10 s if not set.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect_timeout = limit;
        self
    }

    /// Limits a command, from its first byte to the last of its answer. 30 s if not set.
    pub const fn answer_timeout(mut self, limit: Duration) -> Self {
        self.limits.answer_timeout = limit;
        self
    }

    /// Limits the length of an answer, in bytes. The protocol's own limit if not set.
    pub const fn max_answer(mut self, bytes: usize) -> Self {
        self.limits.max_answer = bytes;
        self
    }

    /// Allows TLS 1.2 with servers that do not support TLS 1.3.
    pub const fn allow_tls12(mut self) -> Self {
        self.tls12 = true;
        self
    }

    /// Sends `bytes` in front of each TLS handshake: the PROXY protocol header that a server
    /// requires from proxies, if this machine counts as one. Nothing if not set.
    pub fn preamble(mut self, bytes: &[u8]) -> Self {
        self.preamble = bytes.into();
        self
    }

    /// Builds the client.
    #[must_use]
    pub fn build(self) -> Client {
        let Self { server, trust, tls12, limits, preamble } = self;
        Client { server, tls: trust.into_tls(tls12).into(), limits, preamble, identity: None }
    }
}
