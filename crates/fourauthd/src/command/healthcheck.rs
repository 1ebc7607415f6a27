//! `fourauthd healthcheck`: sends hello to the server on this machine, and looks at what the server
//! depends on.
//!
//! The answer to hello says no more than strangers may know. The rest is read here: the certificate,
//! the free space and the database, with the rights of the server's user.

use crate::local_store::LocalStore;
use anyhow::{Context as _, bail, ensure};
use fourauth_client::{Client, Fingerprint, Outcome, ServerAddress, Trust};
use fourauth_config::Config;
use fourauth_protocol::{time::UnixMillis, words::TimeState};
use fourauth_server::{
    certificate::Validity,
    health::{Condition, Subject, certificate, disk},
    proxy,
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::time::timeout;

/// Longest wait for the database. Docker gives a health check ten seconds in our image.
const DATABASE: Duration = Duration::from_secs(5);

/// Succeeds if the server answers, its time is not denied, its certificate is valid, its disk has room
/// and its database can be read.
///
/// # Errors
///
/// If the server does not answer, refuses, or has no usable time. Otherwise everything else that fails.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let file = config.certificate_file();
    let leaf = CertificateDer::from_pem_file(&file).with_context(|| {
        format!("cannot read the server's certificate {}; has a server run here?", file.display())
    })?;
    let now = hello(config, &leaf).await?;
    let conditions = [
        (Subject::Certificate, certificate::check(Validity::of(&leaf), &file, now)),
        (Subject::Disk, disk::check(&disk::folders(config))),
        (Subject::Database, database(config, now).await),
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
async fn hello(config: &Config, leaf: &CertificateDer<'_>) -> anyhow::Result<UnixMillis> {
    let here = here(config.listen);
    let address = ServerAddress::parse(&here.to_string())?;
    // A connection to an address of this machine comes from that address.
    let is_proxy = config.limits.proxies.iter().any(|network| network.contains(here.ip()));
    let preamble = if is_proxy { &proxy::LOCAL[..] } else { &[] };
    let trust = Trust::Pin(Fingerprint::of(leaf));
    let client = Client::builder(address, trust).preamble(preamble).build();
    match client.connect().await?.hello().await? {
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

/// Opens the database as local commands do, and reads from it.
async fn database(config: &Config, now: UnixMillis) -> Condition {
    let read = async {
        let local = LocalStore::open(config, now).await?;
        let read = local.store.ping().await;
        local.store.close().await;
        anyhow::Ok(read?)
    };
    match timeout(DATABASE, read).await {
        Ok(Ok(())) => Condition::Ok,
        Ok(Err(error)) => Condition::Failing(format!("{error:#}")),
        Err(_) => Condition::Failing(format!(
            "no answer within {} s; check that the database of store.url runs",
            DATABASE.as_secs()
        )),
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
