//! Queries the time servers through rsntp. A round queries all servers at once and awaits them all.
//!
//! Names are resolved here and not in rsntp. rsntp would use only the address family that it is
//! bound to, and one server could be counted under several names.

use crate::{
    relay::Relay,
    sample::{Exchange, Loss, Round, Sample},
    wall::{Clocks, Moment},
};
use fourauth_protocol::host_port::HostPort;
use rsntp::{
    AsyncSntpClient, Config, KissCode, ProtocolError, SntpDuration, SynchronizationError,
    SynchronizationResult,
};
use std::{
    collections::HashSet,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};
use tokio::{net::lookup_host, task::JoinSet, time::timeout};

const NTP_PORT: u16 = 123;
/// Timeout for resolving a name. The next round tries again.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(3);
/// Timeout for an answer. Answers after 500 ms are not used anyway.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);
/// Most addresses that are considered for one name.
const MAX_ADDRESSES: usize = 16;
/// Years 1970 to 2104, in Unix milliseconds. rsntp panics on a system clock before 1970. Its
/// timestamps hold the era of 2^32 s from 1900 and half of the next era.
const EXPRESSIBLE: RangeInclusive<i64> = 0..=4_233_000_000_000;

/// A source of rounds.
pub(crate) trait Source: Send + 'static {
    /// Queries every server once. Returns one entry per server, in the order of the configuration.
    fn round(&mut self) -> impl Future<Output = Round> + Send;
}

/// The configured NTP servers.
#[derive(Debug)]
pub(crate) struct NtpServers {
    /// `host:port`.
    servers: Vec<String>,
    clocks: Arc<dyn Clocks>,
}

impl NtpServers {
    pub(crate) fn new(servers: &[String], clocks: Arc<dyn Clocks>) -> Self {
        Self { servers: servers.iter().map(|server| with_port(server)).collect(), clocks }
    }
}

impl Source for NtpServers {
    async fn round(&mut self) -> Round {
        let addresses = all(self.servers.iter().cloned().map(look_up)).await;
        let chosen = one_each(addresses.into_iter().map(Option::unwrap_or_default));
        let questions = chosen.into_iter().map(|address| ask(address, self.clocks.clone()));
        let answers = all(questions).await;
        answers.into_iter().map(|answer| answer.unwrap_or(Err(Loss::NoAnswer))).collect()
    }
}

/// Runs `jobs` concurrently. Returns the results in order, `None` for a job that panicked.
///
/// Dropping the future aborts the jobs.
async fn all<J>(jobs: impl Iterator<Item = J>) -> Vec<Option<J::Output>>
where
    J: Future<Output: Send> + Send + 'static,
{
    let (mut running, mut results) = (JoinSet::new(), Vec::new());
    for (index, job) in jobs.enumerate() {
        results.push(None);
        running.spawn(async move { (index, job.await) });
    }
    while let Some(ended) = running.join_next().await {
        if let Ok((index, result)) = ended {
            results[index] = Some(result);
        }
    }
    results
}

async fn look_up(server: String) -> Vec<SocketAddr> {
    match timeout(LOOKUP_DEADLINE, lookup_host(&server)).await {
        Ok(Ok(addresses)) => addresses.take(MAX_ADDRESSES).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Chooses an address for every server, none twice. A liar must not vote under two names.
///
/// Prefers IPv4, because a name with both families is more likely to be reachable by it. Two names
/// that share an address may be one host, and its address of the other family would be a second vote.
fn one_each(servers: impl Iterator<Item = Vec<SocketAddr>>) -> Vec<Option<SocketAddr>> {
    let mut taken = HashSet::new();
    let choose = |mut addresses: Vec<SocketAddr>| {
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let shared = addresses.iter().find(|address| taken.contains(*address)).copied();
        if let Some(shared) = shared {
            addresses.retain(|address| address.is_ipv6() == shared.is_ipv6());
        }
        addresses.into_iter().find(|address| taken.insert(*address))
    };
    servers.map(choose).collect()
}

/// One exchange with one server.
async fn ask(server: Option<SocketAddr>, clocks: Arc<dyn Clocks>) -> Result<Sample, Loss> {
    let server = server.ok_or(Loss::Unresolved)?;
    let before = clocks.moment();
    if !EXPRESSIBLE.contains(&before.wall.0) {
        return Err(Loss::SystemClock);
    }
    let relay = Relay::open(server).await.map_err(|_| Loss::NoAnswer)?;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = Config::default().bind_address(loopback).timeout(ANSWER_DEADLINE);
    let answer = AsyncSntpClient::with_config(config).synchronize(relay.address()).await;
    let after = clocks.moment();

    let sample = match answer {
        Ok(answer) => judge(&answer, before, after),
        Err(SynchronizationError::IOError(_)) if relay.has_ignored() => Err(Loss::Malformed),
        Err(error) => Err(loss(&error)),
    };
    tracing::debug!(%server, ?sample, "time server asked");
    sample
}

fn judge(answer: &SynchronizationResult, before: Moment, after: Moment) -> Result<Sample, Loss> {
    Exchange {
        before,
        after,
        offset_us: micros(answer.clock_offset()),
        round_trip_us: micros(answer.round_trip_delay()),
        stratum: answer.stratum(),
    }
    .sample()
}

/// Converts an error of rsntp.
///
/// A server may send a kiss-o'-death by mistake, so it drops only this sample and never disables the
/// server.
fn loss(error: &SynchronizationError) -> Loss {
    match error {
        SynchronizationError::IOError(_) => Loss::NoAnswer,
        SynchronizationError::ProtocolError(error) => match error {
            ProtocolError::KissODeath(KissCode::RateExceeded) => Loss::RateLimited,
            ProtocolError::KissODeath(_) => Loss::KissOfDeath,
            ProtocolError::ServerNotSynchronized => Loss::Unsynchronised,
            ProtocolError::PacketIsTooShort
            | ProtocolError::InvalidPacketVersion
            | ProtocolError::InvalidLeapIndicator
            | ProtocolError::InvalidMode
            | ProtocolError::InvalidOriginateTimestamp
            | ProtocolError::InvalidTransmitTimestamp
            | ProtocolError::InvalidReferenceIdentifier => Loss::Malformed,
        },
    }
}

/// Microseconds, saturating, rounded away from zero so that a negative value stays negative.
fn micros(duration: SntpDuration) -> i64 {
    let size = duration.abs_as_std_duration().map_or(u128::MAX, |size| size.as_nanos());
    let size = i64::try_from(size.div_ceil(1_000)).unwrap_or(i64::MAX);
    size.saturating_mul(i64::from(duration.signum()))
}

/// `server` with port 123, unless it has a port.
fn with_port(server: &str) -> String {
    if server.parse::<Ipv6Addr>().is_ok() {
        return format!("[{server}]:{NTP_PORT}");
    }
    match HostPort::parse(server, None) {
        Ok(_) => server.to_owned(),
        Err(_) => format!("{server}:{NTP_PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_server_is_123_unless_it_has_one() {
        let cases = [
            ("pool.ntp.org", "pool.ntp.org:123"),
            ("pool.ntp.org:1123", "pool.ntp.org:1123"),
            ("192.0.2.1", "192.0.2.1:123"),
            ("2001:db8::7", "[2001:db8::7]:123"),
            ("[2001:db8::7]", "[2001:db8::7]:123"),
            ("[2001:db8::7]:1123", "[2001:db8::7]:1123"),
        ];
        for (configured, asked) in cases {
            assert_eq!(with_port(configured), asked);
        }
    }

    #[test]
    fn no_server_votes_under_two_names() {
        let [one, two]: [SocketAddr; 2] =
            ["192.0.2.1:123", "192.0.2.2:123"].map(|address| address.parse().unwrap());
        let names = [vec![one, two], vec![one, two], vec![two, one], vec![]];
        assert_eq!(one_each(names.into_iter()), [Some(one), Some(two), None, None]);
    }

    #[test]
    fn both_families_of_a_host_are_one_vote() {
        let [four, six, other]: [SocketAddr; 3] =
            ["192.0.2.1:123", "[2001:db8::1]:123", "[2001:db8::2]:123"]
                .map(|address| address.parse().unwrap());
        let names = [vec![six, four], vec![four, six], vec![six], vec![other]];
        assert_eq!(one_each(names.into_iter()), [Some(four), None, Some(six), Some(other)]);
    }

    #[tokio::test]
    async fn a_job_that_panics_loses_only_its_own_result() {
        let jobs = (0..3).map(|n| async move {
            assert_ne!(n, 1, "this panic is part of the test");
            n
        });
        assert_eq!(all(jobs).await, [Some(0), None, Some(2)]);
    }
}
