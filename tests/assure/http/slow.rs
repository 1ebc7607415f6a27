//! Peers that send a handshake, a head or a body byte by byte, or read no answer, are disconnected
//! at their deadlines.

use super::{
    honest,
    target::{H1, H2, Target},
};
use crate::{
    peer::{Caller, host, until_closed},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_tests::http2;
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Hosts that the peers come from. One may have 64 connections.
const HOSTS: u32 = 50;

/// Deadlines of `crates/gateway/src/limits.rs`: of a handshake and a head, of a small body, and of a
/// connection without a request, with the time for its orderly end. Answers that are not read
/// first fill the buffers of the system.
const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(11);
const IDLE: Duration = Duration::from_secs(40);
const FULL: Duration = Duration::from_secs(50);

/// How late after its deadline a peer may be disconnected, in seconds, and when the harness stops
/// waiting. If thousands connect at once, the system lets some wait for seconds before the server
/// can accept them and their time begins.
const LATE_S: f64 = 15.0;
const GIVEN_UP: Duration = Duration::from_secs(16);

/// Time from the first peer to the last, in seconds.
const RAMP_S: u32 = 15;
const SHORT_RAMP_S: u32 = 3;

/// Requests of a peer that reads no answer. Their answers do not fit into the buffers of the system.
const UNREAD: usize = 400;

/// The way a peer is slow.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Sends its handshake slowly.
    Handshake,
    /// Completes the handshake and sends nothing.
    Silence,
    /// Sends its head slowly.
    Head,
    /// Sends a body of a known length slowly.
    Body,
    /// Sends chunks slowly.
    Chunks,
    /// Speaks HTTP/2, and sends its first frame slowly.
    Frame,
    /// Sends many requests, and reads no answer.
    Deaf,
}

/// All manners. The last two have a deadline that is too long for every test run.
const MANNERS: [Manner; 7] = [
    Manner::Handshake,
    Manner::Silence,
    Manner::Head,
    Manner::Body,
    Manner::Chunks,
    Manner::Frame,
    Manner::Deaf,
];

/// What became of a peer.
struct Fate {
    manner: Manner,
    deadline: Duration,
    lived: Duration,
    is_closed: bool,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let count = setup.count(2000, 100);
    ensure_files(count)?;
    let target = Target::start(setup, defence, |config| config.web.connections = 4096).await?;
    let (fates, visitors) = honest::meanwhile(target.address, besiege(setup, &target)).await?;
    // A peer that could not connect is missing in the count.
    let fates: Vec<Fate> = fates.into_iter().flatten().collect();
    let late = |fate: &Fate| fate.lived.saturating_sub(fate.deadline).as_secs_f64();
    let (in_time, others): (Vec<_>, Vec<_>) =
        fates.iter().partition(|fate| fate.is_closed && fate.lived > fate.deadline / 2);
    if let (Defence::On, Some(fate)) = (defence, others.first()) {
        setup.say(&format!("{:?} lived for {:?}", fate.manner, fate.lived));
    }

    let mut figures = Figures::default();
    figures.note("peers", count);
    figures.exactly("closed_at_their_deadline", u32::try_from(in_time.len())?, count);
    figures.at_most("latest_s", fates.iter().map(late).fold(0.0, f64::max), LATE_S);
    visitors.report(setup, &mut figures);
    Ok(figures)
}

/// Follows all peers until they are disconnected.
async fn besiege(setup: &Setup, target: &Target) -> Vec<anyhow::Result<Fate>> {
    let manners = if setup.is_short { &MANNERS[..5] } else { &MANNERS };
    let count = setup.count(2000, 100);
    let ramp = Duration::from_secs(setup.count(RAMP_S, SHORT_RAMP_S).into());
    let mut peers = JoinSet::new();
    for (manner, index) in manners.iter().cycle().zip(0..count) {
        let caller = target.caller(manner.protocol());
        let (manner, from) = (*manner, host(index % HOSTS));
        peers.spawn(async move {
            sleep(ramp * index / count).await;
            manner.fate(&caller, from).await
        });
    }
    peers.join_all().await
}

impl Manner {
    const fn protocol(self) -> &'static [u8] {
        match self {
            Self::Frame => H2,
            Self::Handshake
            | Self::Silence
            | Self::Head
            | Self::Body
            | Self::Chunks
            | Self::Deaf => H1,
        }
    }

    const fn deadline(self) -> Duration {
        match self {
            Self::Handshake | Self::Silence | Self::Head => HEAD,
            Self::Body | Self::Chunks => BODY,
            Self::Frame => IDLE,
            Self::Deaf => FULL,
        }
    }

    /// What is sent at once, and what is sent slowly after it.
    fn bytes(self) -> (Vec<u8>, Vec<u8>) {
        let get = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: h\r\n";
        let post =
            "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
        let chunks = "1\r\n{\r\n".repeat(100);
        let (at_once, slowly) = match self {
            Self::Handshake | Self::Silence => (String::new(), String::new()),
            Self::Head => (String::new(), format!("{get}X: {}", "y".repeat(900))),
            Self::Body => (format!("{post}Content-Length: 1000\r\n\r\n"), " ".repeat(900)),
            Self::Chunks => (format!("{post}Transfer-Encoding: chunked\r\n\r\n"), chunks),
            Self::Frame => {
                let headers = http2::frame(http2::HEADERS, http2::WHOLE, 1, &[0; 1000]);
                return (http2::opening(), headers);
            }
            Self::Deaf => (format!("{get}\r\n").repeat(UNREAD), String::new()),
        };
        (at_once.into(), slowly.into())
    }

    /// Opens a connection, and follows it until it is closed.
    async fn fate(self, caller: &Caller, from: Ipv4Addr) -> anyhow::Result<Fate> {
        if matches!(self, Self::Handshake) {
            let (reader, writer) = caller.socket(from).await?.into_split();
            return Ok(self.watch(until_closed(reader, writer, caller.client_hello()?)).await);
        }
        let (at_once, slowly) = self.bytes();
        if matches!(self, Self::Deaf) {
            let mut stream = caller.clone().with_little_room().stream(from).await?;
            // It notices the end of the connection when it writes.
            return Ok(self
                .watch(async { while stream.write_all(&at_once).await.is_ok() {} })
                .await);
        }
        let mut stream = caller.stream(from).await?;
        stream.write_all(&at_once).await?;
        stream.flush().await?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(self.watch(until_closed(reader, writer, slowly)).await)
    }

    async fn watch(self, closed: impl Future<Output = ()>) -> Fate {
        let (deadline, begun) = (self.deadline(), Instant::now());
        let is_closed = timeout(deadline + GIVEN_UP, closed).await.is_ok();
        Fate { manner: self, deadline, lived: begun.elapsed(), is_closed }
    }
}
