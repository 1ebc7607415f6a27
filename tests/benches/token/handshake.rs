//! Full handshakes, with and without the post-quantum group, compared with those of the echo. Each
//! connection is closed in order without a command.

use crate::{
    load::{CLIENTS, SAMPLES},
    peer::{Peer, Speaks},
    report::{Cost, Ratio, Sample, elapsed_us, median},
    service::{Ready, Service},
};
use fourauth_tests::raw::trusting_with;
use rustls::{
    ClientConfig,
    client::Resumption,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs, aws_lc_rs::kx_group},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::task::JoinSet;

/// Handshakes of each client in one sample.
const HANDSHAKES: usize = 100;

/// Measures both groups with both servers, and prints the ratios and the cost of the group.
pub(crate) async fn measure(service: &mut Service, ready: &Ready, limit: f64) {
    let classical = client(kx_group::X25519);
    let hybrid = client(kx_group::X25519MLKEM768);
    let kinds = [
        ("handshake, X25519", ready.fourauth, &classical),
        ("raw handshake, X25519", ready.echo_of_check, &classical),
        ("handshake, X25519MLKEM768", ready.fourauth, &hybrid),
        ("raw handshake, X25519MLKEM768", ready.echo_of_check, &hybrid),
    ];
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..=SAMPLES {
        for ((_, address, tls), samples) in kinds.iter().zip(&mut samples) {
            samples.push(sample(service, *address, tls).await);
        }
    }
    let mut whats = kinds.iter().map(|(what, ..)| *what);
    let [ours, raw, ours_hybrid, raw_hybrid] = samples.map(|samples| {
        Cost { what: whats.next().unwrap_or_default(), sample: median(&samples[1..]) }.print()
    });
    Ratio::of_cost(&raw, &ours).print(limit);
    Ratio::of_cost(&raw_hybrid, &ours_hybrid).print(limit);
    Ratio::of_cost(&raw, &raw_hybrid).state();
}

/// A client that offers one group and resumes nothing.
fn client(group: &'static dyn SupportedKxGroup) -> Arc<ClientConfig> {
    let provider = CryptoProvider { kx_groups: vec![group], ..aws_lc_rs::default_provider() };
    let mut config = trusting_with(provider);
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

async fn sample(service: &mut Service, address: SocketAddr, tls: &Arc<ClientConfig>) -> Sample {
    let before = (service.cpu_us(), elapsed_us());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let speaks = Speaks::Frames(Arc::clone(tls));
        clients.spawn(async move {
            for _ in 0..HANDSHAKES {
                Peer::connect(address, &speaks).await.close().await;
            }
        });
    }
    clients.join_all().await;
    let wall_us = elapsed_us() - before.1;
    Sample::new(service.cpu_us() - before.0, wall_us, CLIENTS * HANDSHAKES)
}
