//! The two listeners of the text protocol. Both serve the same messages; the passcode systems had one
//! for passcodes and one for tokens.

use anyhow::Context as _;
use fourauth_config::TextConfig;
use std::{io, net::SocketAddr};
use tokio::net::TcpListener;

/// The sockets that are switched on.
#[derive(Debug)]
pub(crate) struct Ports {
    passcodes: Option<TcpListener>,
    identity: Option<TcpListener>,
}

impl Ports {
    /// Listens on the configured addresses.
    ///
    /// # Errors
    ///
    /// If one of them cannot be used. The message is meant for the operator.
    pub(crate) async fn bind(text: &TextConfig) -> anyhow::Result<Self> {
        Ok(Self {
            passcodes: bind(text.listen_passcodes).await?,
            identity: bind(text.listen_identity).await?,
        })
    }

    /// The addresses in use.
    ///
    /// # Errors
    ///
    /// If the system does not tell them.
    pub(crate) fn addresses(&self) -> io::Result<TextConfig> {
        let address =
            |socket: &Option<TcpListener>| socket.as_ref().map(TcpListener::local_addr).transpose();
        Ok(TextConfig {
            listen_passcodes: address(&self.passcodes)?,
            listen_identity: address(&self.identity)?,
        })
    }

    /// The sockets.
    pub(crate) fn into_sockets(self) -> impl Iterator<Item = TcpListener> {
        self.passcodes.into_iter().chain(self.identity)
    }
}

async fn bind(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let socket = TcpListener::bind(address).await;
    socket.map(Some).with_context(|| format!("cannot listen on {address}"))
}
