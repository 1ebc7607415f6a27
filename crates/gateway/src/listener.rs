//! Accepts connections, and gives each a slot. A connection beyond the limits is closed at once.

use crate::{connection::Connection, gateway::App, settings::Resource};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Pause after a failed accept. Without it, a process out of file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One bound listener.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// `None` for plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) resources: Arc<[Resource]>,
    pub(crate) app: Arc<App>,
    /// Owns the tasks of connections.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Listener {
    /// Accepts connections until the gateway stops.
    pub(crate) async fn run(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => self.pause(&error).await,
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        // A proxy carries the connections of many sources.
        let source = (!self.app.proxies.contains(address)).then_some(address);
        let mut slot = self.app.connections.open(source);
        if !slot.grow(1) {
            tracing::debug!(peer = %address, "a connection beyond the limits was closed");
            return;
        }
        // Answers are written whole, so waiting for more bytes would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let connection = Connection {
            address,
            is_tls: self.tls.is_some(),
            resources: Arc::clone(&self.resources),
            app: Arc::clone(&self.app),
        };
        let (tls, stop) = (self.tls.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let _slot = slot;
            connection.serve(stream, tls, stop).await;
        });
    }

    async fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept");
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
            () = self.stop.cancelled() => {}
        }
    }
}
