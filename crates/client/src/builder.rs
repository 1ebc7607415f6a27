//! The options of a client.

use crate::{
    address::ServerAddress, client::Client, idle::Idle, limits::Limits, retries::Retries,
    trust::Trust,
};
use std::{sync::Arc, time::Duration};

/// Collects the options that differ from the defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    servers: Vec<ServerAddress>,
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
        Builder::new(server, trust)
    }
}

impl Builder {
    fn new(server: ServerAddress, trust: Trust) -> Self {
        let limits = Limits::default();
        Self { servers: vec![server], trust, tls12: false, limits, preamble: Arc::default() }
    }

    /// Adds an address to connect to if the others fail: another server with the same database, or
    /// another way to the same server. The trust is the same for all addresses.
    pub fn or_at(mut self, server: ServerAddress) -> Self {
        self.servers.push(server);
        self
    }

    /// Limits name lookup, TCP and TLS together, for each address. 10 s if not set.
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

    /// Tries up to `most` times again, each time after `delay`, if no server can be reached. Nothing was
    /// sent by then, so no command is repeated. A [`Session`](crate::Session) also repeats a check of its
    /// token if the answer is lost. No further attempts if not set.
    pub const fn retries(mut self, most: u32, delay: Duration) -> Self {
        self.limits.retries = Retries { most, delay };
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

    /// Builds a client for programs without an async runtime.
    ///
    /// # Errors
    ///
    /// The error of the operating system if it has no more descriptors for the client's own runtime.
    #[cfg(feature = "blocking")]
    pub fn build_blocking(self) -> std::io::Result<crate::blocking::Client> {
        crate::blocking::Client::over(self.build())
    }

    /// Builds the client.
    #[must_use]
    pub fn build(self) -> Client {
        let Self { servers, trust, tls12, limits, preamble } = self;
        Client {
            servers: servers.into(),
            tls: trust.into_tls(tls12).into(),
            limits,
            preamble,
            identity: None,
            preferred: Arc::default(),
            idle: Idle::default(),
        }
    }
}
