//! Many clients that repeat one command.

use crate::{
    peer::{Peer, Speaks},
    report::{Cost, Sample, elapsed_us, median},
    service::Service,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::task::JoinSet;

/// Clients at the same time.
pub(crate) const CLIENTS: usize = 16;

/// Exchanges of each client in one sample.
const EXCHANGES: usize = 1000;

/// Samples of each kind.
pub(crate) const SAMPLES: usize = 11;

/// Connections on which one request is repeated.
pub(crate) struct Load {
    what: &'static str,
    peers: Vec<Peer>,
    request: Arc<[u8]>,
}

impl Load {
    /// Connects all clients to `address`.
    pub(crate) async fn new(
        what: &'static str,
        address: SocketAddr,
        request: &[u8],
        speaks: &Speaks,
    ) -> Self {
        let mut peers = Vec::new();
        for _ in 0..CLIENTS {
            peers.push(Peer::connect(address, speaks).await);
        }
        Self { what, peers, request: request.into() }
    }

    /// The cost of one exchange while all clients are at work.
    async fn sample(&mut self, service: &mut Service) -> Sample {
        let before = (service.cpu_us(), elapsed_us());
        let mut clients = JoinSet::new();
        for mut peer in self.peers.drain(..) {
            let request = Arc::clone(&self.request);
            clients.spawn(async move {
                for _ in 0..EXCHANGES {
                    peer.exchange(&request).await;
                }
                peer
            });
        }
        self.peers = clients.join_all().await;
        let wall_us = elapsed_us() - before.1;
        Sample::new(service.cpu_us() - before.0, wall_us, CLIENTS * EXCHANGES)
    }
}

/// Samples of several loads, in turn. The first of each is a warm-up and does not count.
pub(crate) async fn alternate<const N: usize>(
    service: &mut Service,
    mut loads: [&mut Load; N],
) -> [Cost; N] {
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..=SAMPLES {
        for (load, samples) in loads.iter_mut().zip(&mut samples) {
            samples.push(load.sample(service).await);
        }
    }
    let mut whats = loads.iter().map(|load| load.what);
    samples.map(|samples| {
        Cost { what: whats.next().unwrap_or_default(), sample: median(&samples[1..]) }.print()
    })
}
