//! A server that can be called: where it is, whom to believe, how long to wait.

use crate::{
    address::ServerAddress, connection::Connection, error::Error, identity::Identity,
    outcome::Outcome, trust::Trust,
};
use fourauth_protocol::{
    answer::Answer,
    command::{Command, Login},
    frame::MAX_PAYLOAD,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// How long name lookup, TCP and TLS may take together, unless told otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a command may take from its first byte to the last byte of its answer, unless told
/// otherwise. A full server queues for seconds; five pictures over a slow line take longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls one server. Cheap to clone; clones share TLS sessions and so reconnect faster.
#[derive(Clone)]
pub struct Client {
    server: ServerAddress,
    tls: TlsConnector,
    limits: Limits,
    preamble: Arc<[u8]>,
    identity: Option<Arc<Identity>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) max_answer: usize,
}

/// Collects what differs from the defaults.
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
    /// A client with the default limits that speaks TLS 1.3 only.
    #[must_use]
    pub fn new(server: ServerAddress, trust: Trust) -> Self {
        Self::builder(server, trust).build()
    }

    /// Starts from whom to call and whom to believe; neither has a default.
    pub fn builder(server: ServerAddress, trust: Trust) -> Builder {
        let limits = Limits {
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            max_answer: MAX_PAYLOAD,
        };
        Builder { server, trust, tls12: false, limits, preamble: Arc::default() }
    }

    /// This client as the device that `identity` is of. On each connection the proof of it goes in
    /// front of the first command that says whose device it is: [`Connection::send`].
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Arc<Identity>>) -> Self {
        Self { identity: Some(identity.into()), ..self }
    }

    /// The server that is called.
    #[must_use]
    pub const fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// Opens a connection to the trusted server.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`], [`Error::Untrusted`], [`Error::Tls`] or [`Error::ConnectTimeout`]; no
    /// command has been sent then.
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

    /// Connects, asks one thing, and hangs up.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`] and [`Connection::send`].
    pub async fn send_once(&self, command: Command) -> Result<Answer, Error> {
        self.connect().await?.send(command).await
    }

    /// Whether this person may in: 4Auth's `login()`, for programs that ask nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`] and [`Connection::send`]. Nothing but an answer of the trusted
    /// server is a `true`.
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
    /// How long name lookup, TCP and TLS may take together. 10 s if not set.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect_timeout = limit;
        self
    }

    /// How long a command may take from its first byte to the last of its answer. 30 s if not set.
    pub const fn answer_timeout(mut self, limit: Duration) -> Self {
        self.limits.answer_timeout = limit;
        self
    }

    /// The longest answer that is accepted, in bytes. The protocol's own limit if not set.
    pub const fn max_answer(mut self, bytes: usize) -> Self {
        self.limits.max_answer = bytes;
        self
    }

    /// Admits servers that know no TLS 1.3 and speak 1.2.
    pub const fn allow_tls12(mut self) -> Self {
        self.tls12 = true;
        self
    }

    /// Bytes that go in front of each TLS handshake: the header of the PROXY protocol that a server
    /// requires from proxies, if this machine counts as one. None if not set.
    pub fn preamble(mut self, bytes: &[u8]) -> Self {
        self.preamble = bytes.into();
        self
    }

    /// The client.
    #[must_use]
    pub fn build(self) -> Client {
        let Self { server, trust, tls12, limits, preamble } = self;
        Client { server, tls: trust.into_tls(tls12).into(), limits, preamble, identity: None }
    }
}
