//! The real NTP client against real servers on loopback sockets, most of them faulty.

use crate::{
    Clock, Event, Past, Profile, Settings, State, Timekeeper, Verdict,
    sample::Loss,
    source::{NtpServers, Source},
    wall::{Clocks, SystemClocks},
};
use fourauth_protocol::time::UnixMillis;
use std::sync::Arc;
use tokio::{net::UdpSocket, task::JoinSet};
use tokio_util::sync::CancellationToken;

const HOUR: i64 = 3_600_000;
/// Seconds from the NTP epoch to the Unix epoch.
const NTP_EPOCH_TO_UNIX: i64 = 2_208_988_800;

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Honest,
    /// Announces a leap second, as honest servers do.
    LeapWarning,
    /// Is ahead of the true time, in milliseconds.
    Ahead(i64),
    /// Reports that its clock is not set (LI = 3).
    Alarm,
    Stratum(u8),
    WrongOriginate,
    /// Answers with a request.
    ModeClient,
    Truncated,
    Empty,
    Junk,
    ZeroTransmit,
    /// Claims more processing time than the client waited, so that the round trip is negative.
    SlowThinker,
    /// A kiss-o'-death that matches the request.
    Kiss([u8; 4]),
    /// A kiss-o'-death that does not match the request, as an off-path attacker would send it.
    SpoofedKiss([u8; 4]),
    /// An honest answer, after a kiss-o'-death that does not match the request.
    AfterSpoofedKiss,
}

impl Manner {
    fn answer(self, question: &[u8]) -> Vec<u8> {
        let now = SystemClocks.moment().wall;
        let mut answer = packet(question, now, now);
        match self {
            Self::Honest | Self::AfterSpoofedKiss => {}
            Self::LeapWarning => answer[0] |= 0b0100_0000,
            Self::Alarm => answer[0] |= 0b1100_0000,
            Self::Ahead(by) => {
                let then = now.saturating_add_ms(by);
                answer = packet(question, then, then);
            }
            Self::Stratum(stratum) => answer[1] = stratum,
            Self::WrongOriginate => answer[31] ^= 1,
            Self::ModeClient => answer[0] = 0b0010_0011,
            Self::Truncated => answer.truncate(47),
            Self::Empty => answer.clear(),
            Self::Junk => answer = vec![0xff; 60_000],
            Self::ZeroTransmit => answer[40..48].fill(0),
            Self::SlowThinker => answer = packet(question, now.saturating_add_ms(-5_000), now),
            Self::Kiss(code) => {
                answer[1] = 0;
                answer[12..16].copy_from_slice(&code);
            }
            Self::SpoofedKiss(code) => {
                answer = Self::Kiss(code).answer(question);
                answer[24..32].fill(0x5a);
            }
        }
        answer
    }
}

/// RFC 5905 §7.3: version 4, mode 4, stratum 2.
fn packet(question: &[u8], received: UnixMillis, sent: UnixMillis) -> Vec<u8> {
    let mut packet = vec![0; 48];
    packet[0] = 0b0010_0100;
    packet[1] = 2;
    packet[12..16].copy_from_slice(&[192, 0, 2, 1]);
    packet[24..32].copy_from_slice(&question[40..48]);
    packet[32..40].copy_from_slice(&timestamp(received));
    packet[40..48].copy_from_slice(&timestamp(sent));
    packet
}

/// 32 bits of seconds, 32 bits of fraction.
fn timestamp(instant: UnixMillis) -> [u8; 8] {
    let seconds = u32::try_from(instant.seconds() + NTP_EPOCH_TO_UNIX).unwrap();
    let fraction = u64::try_from(instant.0.rem_euclid(1_000)).unwrap() * (1 << 32) / 1_000;
    ((u64::from(seconds) << 32) + fraction).to_be_bytes()
}

/// Servers that answer until dropped.
struct Street {
    servers: Vec<String>,
    _running: JoinSet<()>,
}

impl Street {
    async fn of(manners: &[Manner]) -> Self {
        let (mut servers, mut running) = (Vec::new(), JoinSet::new());
        for &manner in manners {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            servers.push(socket.local_addr().unwrap().to_string());
            running.spawn(async move {
                let mut question = [0; 48];
                while let Ok((_, client)) = socket.recv_from(&mut question).await {
                    if matches!(manner, Manner::AfterSpoofedKiss) {
                        let spoofed = Manner::SpoofedKiss(*b"RATE").answer(&question);
                        let _gone = socket.send_to(&spoofed, client).await;
                    }
                    let _gone = socket.send_to(&manner.answer(&question), client).await;
                }
            });
        }
        Self { servers, _running: running }
    }

    fn settings(&self, profile: Profile) -> Settings {
        let past = Past::none(UnixMillis(1_700_000_000_000));
        Settings { servers: self.servers.clone(), profile, past }
    }
}

#[tokio::test]
async fn only_a_valid_answer_from_a_synchronised_server_counts() {
    let cases = [
        (Manner::Honest, None),
        (Manner::LeapWarning, None),
        (Manner::Ahead(HOUR), None), // valid by itself; the quorum outvotes it
        (Manner::Alarm, Some(Loss::Unsynchronised)),
        (Manner::Stratum(0), Some(Loss::Malformed)), // without a kiss code
        (Manner::Stratum(16), Some(Loss::Unsynchronised)),
        (Manner::Stratum(255), Some(Loss::Unsynchronised)),
        (Manner::WrongOriginate, Some(Loss::Malformed)),
        (Manner::ModeClient, Some(Loss::Malformed)),
        (Manner::Truncated, Some(Loss::Malformed)),
        (Manner::Empty, Some(Loss::Malformed)),
        (Manner::Junk, Some(Loss::Malformed)),
        (Manner::ZeroTransmit, Some(Loss::RoundTrip)), // rsntp reads it as 2036
        (Manner::SlowThinker, Some(Loss::RoundTrip)),
        (Manner::Kiss(*b"RATE"), Some(Loss::RateLimited)),
        (Manner::Kiss(*b"DENY"), Some(Loss::KissOfDeath)),
        (Manner::SpoofedKiss(*b"RATE"), Some(Loss::Malformed)),
        (Manner::SpoofedKiss(*b"DENY"), Some(Loss::Malformed)),
        (Manner::AfterSpoofedKiss, None),
        (Manner::Kiss([0xff; 4]), Some(Loss::Malformed)),
    ];
    let street = Street::of(&cases.map(|(manner, _)| manner)).await;

    let round = NtpServers::new(&street.servers, Arc::new(SystemClocks)).round().await;

    for ((manner, loss), outcome) in cases.into_iter().zip(round) {
        assert_eq!(outcome.err(), loss, "{manner:?}");
    }
}

#[tokio::test]
async fn an_exchange_measures_how_far_a_server_is_ahead() {
    let street = Street::of(&[Manner::Honest, Manner::Ahead(HOUR), Manner::Ahead(-HOUR)]).await;
    let round = NtpServers::new(&street.servers, Arc::new(SystemClocks)).round().await;

    for (outcome, ahead) in round.into_iter().zip([0, HOUR, -HOUR]) {
        let sample = outcome.unwrap();
        let off = (sample.offset_ms - ahead).abs();
        assert!(off <= sample.reach_ms, "{off} ms off, allowed {}", sample.reach_ms);
    }
}

#[tokio::test]
async fn a_server_that_does_not_exist_is_lost() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let servers = [closed, "no such name".to_owned()];

    let round = NtpServers::new(&servers, Arc::new(SystemClocks)).round().await;

    assert_eq!(round, [Err(Loss::NoAnswer), Err(Loss::Unresolved)]);
}

/// A system clock with a year for which rsntp would panic.
#[derive(Debug)]
struct Stone;

impl Clocks for Stone {
    fn moment(&self) -> crate::wall::Moment {
        crate::wall::Moment { wall: UnixMillis(-1), ..SystemClocks.moment() }
    }
}

#[tokio::test]
async fn a_system_clock_before_1970_sends_no_request() {
    let street = Street::of(&[Manner::Honest]).await;
    let round = NtpServers::new(&street.servers, Arc::new(Stone)).round().await;
    assert_eq!(round, [Err(Loss::SystemClock)]);
}

#[tokio::test]
async fn three_honest_servers_and_a_liar_set_the_clock() {
    let manners = [Manner::Honest, Manner::Ahead(HOUR), Manner::Honest, Manner::LeapWarning];
    let street = Street::of(&manners).await;
    let shutdown = CancellationToken::new();

    let (keeper, task) = Timekeeper::start(street.settings(Profile::Strict), 1, shutdown.clone());
    let mut events = keeper.events();
    assert_eq!(keeper.read().state, State::Denied, "strict, before the first answer");
    let synced = Event::StateChanged { from: State::Denied, to: State::Synced };
    let mut seen = Vec::new();
    while !seen.contains(&synced) {
        seen.push(events.recv().await.unwrap());
    }

    assert!(seen.iter().any(|event| matches!(event, Event::Liar { off_by_ms, .. }
        if (off_by_ms - HOUR).abs() < 1_000)));
    let reading = keeper.read();
    let off = reading.now.millis_since(SystemClocks.moment().wall).abs();
    assert!(off <= i64::from(reading.error_ms) + 50, "{off} ms");
    assert_eq!(keeper.status().servers[1].verdict, Verdict::Lies);
    shutdown.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn four_liars_do_not_set_the_clock_of_a_strict_server() {
    let street = Street::of(&[Manner::Ahead(HOUR); 4]).await;
    let shutdown = CancellationToken::new();

    let (keeper, task) = Timekeeper::start(street.settings(Profile::Strict), 1, shutdown.clone());
    let mut events = keeper.events();
    let refused = events.recv().await.unwrap();

    assert!(matches!(refused, Event::StepRefused { .. }), "{refused:?}");
    assert_eq!(keeper.read().state, State::Denied);
    shutdown.cancel();
    task.await.unwrap();
}
