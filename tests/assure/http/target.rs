//! The server that is attacked: the real one, or in the control one that sets no limits.

use super::bare;
use crate::{
    daemon::Daemon,
    naive::Naive,
    peer::Caller,
    process::Process,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use fourauth_config::{Config, WebConfig, WebListener, WebResource};
use std::net::SocketAddr;

/// Names of protocols in ALPN.
pub(crate) const H1: &[u8] = b"http/1.1";
pub(crate) const H2: &[u8] = b"h2";

/// A running server.
#[derive(Debug)]
pub(crate) struct Target {
    server: Server,
    /// Its listener with TLS.
    pub(crate) address: SocketAddr,
}

#[derive(Debug)]
enum Server {
    Real(Box<Daemon>),
    Bare(Naive),
}

impl Target {
    /// Starts the real server after `change` to its settings, or the bare one.
    pub(crate) async fn start(
        setup: &Setup,
        defence: Defence,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        match defence {
            Defence::On => Self::real(setup, change).await,
            Defence::Off => {
                let naive = Naive::start(bare::PROGRAM)?;
                Ok(Self { address: naive.address, server: Server::Bare(naive) })
            }
        }
    }

    async fn real(setup: &Setup, change: impl FnOnce(&mut Config)) -> anyhow::Result<Self> {
        let daemon = Daemon::start(setup, |config| {
            config.web = listening();
            change(config);
        });
        let daemon = daemon.await?;
        let address = *daemon.web()?.first().context("the server has no listener for HTTP")?;
        Ok(Self { address, server: Server::Real(Box::new(daemon)) })
    }

    /// A caller that offers this protocol.
    pub(crate) fn caller(&self, protocol: &[u8]) -> Caller {
        Caller::speaking(self.address, &[protocol])
    }

    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        match &self.server {
            Server::Real(daemon) => daemon.process(),
            Server::Bare(naive) => naive.process(),
        }
    }
}

/// The usual limits, and two listeners: the first with TLS, the second without.
pub(crate) fn listening() -> WebConfig {
    let listener = |tls| WebListener {
        bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls,
        resources: vec![WebResource::Api, WebResource::Health],
    };
    WebConfig { listener: vec![listener(true), listener(false)], ..WebConfig::default() }
}
