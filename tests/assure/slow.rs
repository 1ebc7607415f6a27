//! G-07: thousands of slow sockets do not prevent logins.
//!
//! Deadlines are shortened so that a run takes a minute. The figures are measured relative to each
//! deadline, and so do not depend on it.

use crate::{
    crowd,
    daemon::Daemon,
    peer::{Caller, host, until_closed},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_config::Config;
use std::{
    net::Ipv4Addr,
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Hosts that the sockets come from.
const HOSTS: u32 = 50;

/// Deadline of a small frame from its first byte; not configurable.
const FRAME: Duration = Duration::from_secs(10);

/// How late after its deadline a socket may be closed, and when the harness stops waiting.
const LATE_S: f64 = 1.0;
const GIVEN_UP: Duration = Duration::from_secs(3);

/// Time from the first socket to the last.
const RAMP: Duration = Duration::from_secs(3);

/// Pause between two sockets of one peer.
const BETWEEN_CALLS: Duration = Duration::from_secs(1);

/// The way a peer is slow.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Sends its handshake slowly.
    Handshake,
    /// Completes the handshake and sends nothing.
    Silence,
    /// Sends the header of its first frame slowly.
    Header,
    /// Sends the body of its first frame slowly.
    Body,
}

/// One slow peer.
#[derive(Clone)]
struct Slow {
    caller: Caller,
    manner: Manner,
    from: Ipv4Addr,
    /// The deadline that the run sets for the handshake and for the first frame.
    patience: Duration,
}

/// Results of the sockets.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    sockets: u32,
    /// Refused: closed long before the deadline, mostly without a handshake, by the limit of their
    /// host.
    turned_away: u32,
    /// Still open when the harness stopped waiting.
    outlived: u32,
    latest_s: f64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sockets += other.sockets;
        self.turned_away += other.turned_away;
        self.outlived += other.outlived;
        self.latest_s = self.latest_s.max(other.latest_s);
    }
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let (sockets, logins) = (setup.count(5000, 200), setup.count(100, 5));
    ensure_files(sockets)?;
    let patience_s = setup.count(5, 2);
    let daemon = Daemon::start(setup, |config| limits(config, defence, patience_s)).await?;
    let mut people = crowd::register(&daemon, logins.div_ceil(2)).await?;

    let goes_on = Arc::new(AtomicBool::new(true));
    let peers = peers(daemon.caller(), setup, patience_s);
    let siege = besiege(peers.take(sockets as usize), RAMP / sockets, &goes_on);
    sleep(RAMP).await;
    setup.say("people log in");
    let client = daemon.client()?;
    let entries = crowd::queue(setup, &client, &mut people, logins, Duration::ZERO).await?;
    goes_on.store(false, Ordering::Relaxed);
    let tally = siege.join_all().await.into_iter().fold(Tally::default(), |mut all, one| {
        all += one;
        all
    });

    let mut figures = Figures::default();
    figures.note("sockets_at_once", sockets);
    figures.note("sockets", tally.sockets);
    figures.note("turned_away", tally.turned_away);
    figures.exactly("logins_ok", logins - crowd::refused(&entries), logins);
    figures.exactly("outlived_their_deadline", tally.outlived, 0);
    figures.at_most("latest_close_after_deadline_s", tally.latest_s, LATE_S);
    Ok(figures)
}

fn limits(config: &mut Config, defence: Defence, patience_s: u32) {
    const NEVER: u32 = 86_400;
    const MANY: usize = 1_000_000;
    let limits = &mut config.limits;
    (limits.handshake_s, limits.first_frame_s) = (patience_s, patience_s);
    if defence == Defence::Off {
        (limits.handshake_s, limits.first_frame_s) = (NEVER, NEVER);
        limits.min_bytes_per_s = 1;
        (limits.connections, limits.connections_per_source) = (MANY, MANY);
        limits.startups = MANY;
    }
}

/// An endless sequence of slow peers, from fifty hosts.
fn peers(caller: Caller, setup: &Setup, patience_s: u32) -> impl Iterator<Item = Slow> + use<> {
    // The ten seconds of a frame are too long for every test run.
    let manners: &[Manner] = if setup.is_short {
        &[Manner::Handshake, Manner::Silence]
    } else {
        &[Manner::Handshake, Manner::Silence, Manner::Header, Manner::Body]
    };
    let patience = Duration::from_secs(patience_s.into());
    let hosts = (0..HOSTS).cycle().map(host);
    hosts.zip(manners.iter().cycle()).map(move |(from, manner)| Slow {
        caller: caller.clone(),
        manner: *manner,
        from,
        patience,
    })
}

/// Keeps slow sockets open while `goes_on` is true. Each peer opens the next after one is closed.
/// Peers start one `pause` apart, so that the server sees slow peers and not a burst.
fn besiege(
    peers: impl Iterator<Item = Slow>,
    pause: Duration,
    goes_on: &Arc<AtomicBool>,
) -> JoinSet<Tally> {
    let mut siege = JoinSet::new();
    for (peer, index) in peers.zip(0..) {
        let goes_on = Arc::clone(goes_on);
        siege.spawn(async move {
            sleep(pause * index).await;
            let mut tally = Tally::default();
            while goes_on.load(Ordering::Relaxed) {
                // A socket that fails to connect counts as refused.
                let refused = Tally { sockets: 1, turned_away: 1, ..Tally::default() };
                tally += peer.call().await.unwrap_or(refused);
                sleep(BETWEEN_CALLS).await;
            }
            tally
        });
    }
    siege
}

impl Slow {
    /// Opens one slow socket and follows it until it is closed.
    async fn call(&self) -> anyhow::Result<Tally> {
        let announced: u32 = 1000;
        let header = announced.to_be_bytes().to_vec();
        match self.manner {
            Manner::Handshake => {
                let (reader, writer) = self.caller.socket(self.from).await?.into_split();
                let hello = self.caller.client_hello()?;
                Ok(outcome(self.patience, until_closed(reader, writer, hello)).await)
            }
            Manner::Silence => self.drip(self.patience, Vec::new()).await,
            Manner::Header => self.drip(FRAME, header[..3].to_vec()).await,
            Manner::Body => self.drip(FRAME, [header, vec![b' '; 900]].concat()).await,
        }
    }

    async fn drip(&self, deadline: Duration, bytes: Vec<u8>) -> anyhow::Result<Tally> {
        let (reader, writer) = self.caller.open(self.from).await?.split();
        Ok(outcome(deadline, until_closed(reader, writer, bytes)).await)
    }
}

async fn outcome(deadline: Duration, closed: impl Future<Output = ()>) -> Tally {
    let begun = Instant::now();
    let is_closed = timeout(deadline + GIVEN_UP, closed).await.is_ok();
    let lived = begun.elapsed();
    Tally {
        sockets: 1,
        turned_away: u32::from(lived < deadline / 2),
        outlived: u32::from(!is_closed),
        latest_s: lived.saturating_sub(deadline).as_secs_f64(),
    }
}
