//! `fourauthd healthcheck`: sends hello to the server on this machine, and looks at what the server
//! depends on.
//!
//! The answer to hello says no more than strangers may know. The rest is found out here, with the rights
//! of the server's user: the certificate, the free space and the database.

mod database;

use anyhow::{Context as _, anyhow, bail, ensure};
use fourauth_client::{Client, Error, Fingerprint, Outcome, ServerAddress, Trust, TrustError};
use fourauth_config::Config;
use fourauth_daemon::tls::{Fitness, leaf_of};
use fourauth_protocol::{time::UnixMillis, words::TimeState};
use fourauth_server::{
    health::{Condition, Subject, certificate, disk},
    proxy,
};
use rustls_pki_types::CertificateDer;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

/// Succeeds if the server answers, its time is not denied, its certificate is valid, its disk has room,
/// and its database can be read and written. `now` is the time of the system clock.
///
/// # Errors
///
/// If the server does not answer, refuses, or has no usable time. Otherwise everything else that fails.
pub async fn run(config: &Config, now: UnixMillis) -> anyhow::Result<()> {
    let file = config.certificate_file();
    let leaf =
        leaf_of(&file).context("cannot use the server's certificate; has a server run here?")?;
    let of_server = hello(config, &leaf, &file).await?;
    let conditions = [
        (Subject::Certificate, certificate::check(Fitness::of(&leaf, &file, of_server))),
        (Subject::Disk, disk::check(&disk::folders(config))),
        (Subject::Database, database::check(config, now).await),
    ];
    let mut failures = Vec::new();
    for (subject, condition) in conditions {
        match condition {
            Condition::Ok => {}
            Condition::Warning(words) => print_out!("warning: {}: {words}", subject.as_str())?,
            Condition::Failing(words) => failures.push(format!("{}: {words}", subject.as_str())),
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Returns the time of the server.
async fn hello(
    config: &Config,
    leaf: &CertificateDer<'_>,
    file: &Path,
) -> anyhow::Result<UnixMillis> {
    let here = here(config.listen);
    let address = ServerAddress::parse(&here.to_string())?;
    // A connection to an address of this machine comes from that address.
    let is_proxy = config.limits.proxies.iter().any(|network| network.contains(here.ip()));
    let preamble = if is_proxy { &proxy::LOCAL[..] } else { &[] };
    let trust = Trust::Pin(Fingerprint::of(leaf));
    let client = Client::builder(address, trust).preamble(preamble).build();
    let mut connection = client.connect().await.map_err(|error| unreached(error, file))?;
    match connection.hello().await? {
        Outcome::Granted(server) if server.time != TimeState::Denied => {
            print_out!("{} answers; its time is {}", server.software, server.time)?;
            if server.time == TimeState::Local {
                print_out!(
                    "warning: no time server confirms its time; see `fourauthd time status`"
                )?;
            }
            Ok(server.server_ts_utc)
        }
        Outcome::Granted(_) => bail!("the server has no usable time; see `fourauthd time status`"),
        Outcome::Refused(refusal) => bail!("the server answers: {}", refusal.message),
    }
}

/// A server presents the certificate that it has read at its start or at the last SIGHUP.
fn unreached(error: Error, file: &Path) -> anyhow::Error {
    match error {
        Error::Untrusted(TrustError::OtherPin { .. }) => anyhow!(
            "certificate: the server presents another certificate than that in {}: send SIGHUP to \
             the server, or see in its log why it did not take the new one",
            file.display()
        ),
        other => other.into(),
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
