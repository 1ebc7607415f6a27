//! `fourauthd healthcheck`: sends hello to the server on this machine.

use anyhow::{Context as _, bail};
use fourauth_client::{Client, Fingerprint, Outcome, ServerAddress, Trust};
use fourauth_config::Config;
use fourauth_protocol::words::TimeState;
use fourauth_server::proxy;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Succeeds if the server answers and its time is not denied.
///
/// # Errors
///
/// If the server does not answer, refuses, or has no usable time.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let file = config.certificate_file();
    let leaf = CertificateDer::from_pem_file(&file).with_context(|| {
        format!("cannot read the server's certificate {}; has a server run here?", file.display())
    })?;
    let here = here(config.listen);
    let address = ServerAddress::parse(&here.to_string())?;
    // A connection to an address of this machine comes from that address.
    let is_proxy = config.limits.proxies.iter().any(|network| network.contains(here.ip()));
    let preamble = if is_proxy { &proxy::LOCAL[..] } else { &[] };
    let trust = Trust::Pin(Fingerprint::of(&leaf));
    let client = Client::builder(address, trust).preamble(preamble).build();
    match client.connect().await?.hello().await? {
        Outcome::Granted(server) if server.time != TimeState::Denied => {
            print_out!("{} answers; its time is {}", server.software, server.time);
            if server.time == TimeState::Local {
                print_out!(
                    "warning: no time server confirms its time; see `fourauthd time status`"
                );
            }
            Ok(())
        }
        Outcome::Granted(_) => bail!("the server has no usable time; see `fourauthd time status`"),
        Outcome::Refused(refusal) => bail!("the server answers: {}", refusal.message),
    }
}

/// Address to connect to. A server that listens on all addresses listens on loopback as well.
fn here(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}
