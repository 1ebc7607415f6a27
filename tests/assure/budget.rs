//! G-35: attackers that leave frames unfinished do not prevent logins with a picture.
//!
//! Sixteen hosts each hold as much as one source may, and many more hold a little each, until the
//! budget of bytes in flight is used up, reserve included. After a drop, the host sends its next
//! frame. The server has the default configuration. Its clock is advanced before each login, so
//! that each has an unused code. The control has no reserve, drops no frames, and keeps one minimum
//! rate however full the budget is.

use crate::{
    numbers::percentile,
    peer::{Caller, HELLO, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::{Client, Identity, ServerAddress, Trust};
use fourauth_config::{AttemptsConfig, AuthConfig, ComputeConfig, Config, LimitsConfig};
use fourauth_protocol::{answer::Answer, code::Code, command::Command, frame::MAX_PAYLOAD};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Hosts that hold as much as a source may.
const GREEDY: u32 = 16;

/// Upper bound of a login in seconds, the same for the unoptimised build that the tests use, and
/// when a login counts as failed.
const LOGIN_S: f64 = 2.0;
const SHORT_LOGIN_S: f64 = 10.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// Time from one code to the first that is not valid together with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// Pause after an unfinished frame before the connection sends the next, and bytes sent at once.
const BETWEEN_FRAMES: Duration = Duration::from_millis(200);
const PIECE: usize = 64 * 1024;

/// How often the budget is checked, and how long filling it may take.
const TICK: Duration = Duration::from_millis(20);
const FILLED_WITHIN: Duration = Duration::from_mins(1);

const KIB: usize = 1024;

/// Size of a run.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Bytes in flight for all sources and for one, in MiB.
    budget_mib: u32,
    share_mib: u32,
    /// Unfinished frames per greedy host.
    frames: u32,
    frame_bytes: usize,
    /// Hosts that hold little, with one frame each.
    modest: u32,
    modest_bytes: usize,
    /// Logins per kind of owner.
    logins: u32,
}

/// What the attackers have done.
#[derive(Debug, Default)]
struct Siege {
    sent: AtomicUsize,
    dropped: AtomicU32,
}

/// The owner of an account.
struct Owner {
    persona: Persona,
    identity: Option<Arc<Identity>>,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let scale = scale(setup, defence);
    let server = TestServer::configured(|config| as_shipped(config, scale, defence)).await;
    let owners = owners(&server, scale.logins).await?;
    let siege = Arc::new(Siege::default());
    let attackers = besiege(&server, scale, &siege);
    let budget = scale.budget_mib as usize * KIB * KIB;
    let begun = Instant::now();
    while siege.sent.load(Ordering::Relaxed) < budget {
        ensure!(begun.elapsed() < FILLED_WITHIN, "the attackers cannot fill the budget");
        sleep(TICK).await;
    }
    setup.say("people log in");
    let mut figures = Figures::default();
    figures.note("sources", GREEDY + scale.modest);
    figures.note("budget_mib", scale.budget_mib);
    let within_s = if setup.is_short { SHORT_LOGIN_S } else { LOGIN_S };
    for (kind, owners) in &owners {
        let entries = log_in(&server, owners, scale.logins).await?;
        report(&mut figures, kind, &entries, scale.logins, within_s);
    }
    drop(attackers);
    figures.note("sent_mib", siege.sent.load(Ordering::Relaxed) / KIB / KIB);
    figures.note("frames_dropped", siege.dropped.load(Ordering::Relaxed));
    Ok(figures)
}

fn scale(setup: &Setup, defence: Defence) -> Scale {
    // Each login of the control lasts until its timeout.
    let logins = if defence == Defence::On { setup.count(20, 2) } else { setup.count(2, 1) };
    if setup.is_short {
        return Scale {
            budget_mib: 32,
            share_mib: 8,
            frames: 4,
            frame_bytes: 512 * KIB,
            modest: 32,
            modest_bytes: 450 * KIB,
            logins,
        };
    }
    Scale {
        budget_mib: 256,
        share_mib: 16,
        frames: 16,
        frame_bytes: 1023 * KIB,
        modest: 100,
        modest_bytes: 900 * KIB,
        logins,
    }
}

/// Restores the default costs, which the other tests lower.
fn as_shipped(config: &mut Config, scale: Scale, defence: Defence) {
    config.auth = AuthConfig::default();
    config.attempts = AttemptsConfig::default();
    config.compute = ComputeConfig::default();
    config.limits = LimitsConfig {
        in_flight_mib: scale.budget_mib,
        in_flight_mib_per_source: scale.share_mib,
        ..LimitsConfig::default()
    };
    if defence == Defence::Off {
        config.limits.in_flight_reserve_percent = 0;
        config.limits.drop_slow_frames = false;
        config.limits.crowded_bytes_per_s = config.limits.min_bytes_per_s;
    }
}

/// An owner with a device key, one known by address, and some without an earlier login.
async fn owners(
    server: &TestServer,
    logins: u32,
) -> anyhow::Result<Vec<(&'static str, Vec<Owner>)>> {
    let identity = Some(Arc::new(Identity::generate()?));
    let with_key = Owner { persona: server.enrol("with-key", "obama.jpg").await, identity };
    let by_place = Owner { persona: server.enrol("by-place", "obama.jpg").await, identity: None };
    for owner in [&with_key, &by_place] {
        let answer = owner.call(server).await.context("no answer before the attack")?;
        ensure!(answer.is_ok(), "refused before the attack: {answer:?}");
    }
    server.clock().advance_ms(TWO_STEPS_MS);
    let mut new = Vec::new();
    for index in 0..logins {
        let persona = server.enrol(&format!("new-{index}"), "obama.jpg").await;
        new.push(Owner { persona, identity: None });
    }
    Ok(vec![("with_key", vec![with_key]), ("known_by_place", vec![by_place]), ("first_login", new)])
}

/// Logs in `logins` times, the owners taking turns. Returns each answer and its time in seconds.
async fn log_in(
    server: &TestServer,
    owners: &[Owner],
    logins: u32,
) -> anyhow::Result<Vec<(Code, f64)>> {
    let mut entries = Vec::new();
    for owner in owners.iter().cycle().take(logins as usize) {
        server.clock().advance_ms(TWO_STEPS_MS);
        let begun = Instant::now();
        let code = owner.call(server).await.map_or(Code::Unavailable, |answer| answer.code);
        entries.push((code, begun.elapsed().as_secs_f64()));
    }
    Ok(entries)
}

fn report(figures: &mut Figures, kind: &str, entries: &[(Code, f64)], logins: u32, within_s: f64) {
    let ok: Vec<f64> =
        entries.iter().filter(|entry| entry.0 == Code::Ok).map(|entry| entry.1).collect();
    let count = u32::try_from(ok.len()).unwrap_or(u32::MAX);
    figures.exactly(&format!("{kind}_logins_ok"), count, logins);
    figures.at_most(&format!("{kind}_p95_s"), percentile(&ok, 0.95), within_s);
}

impl Owner {
    async fn call(&self, server: &TestServer) -> anyhow::Result<Answer> {
        let address = ServerAddress::parse(&server.server().address().to_string())?;
        let client = Client::builder(address, Trust::Pin(server.fingerprint()))
            .connect_timeout(PATIENCE)
            .answer_timeout(PATIENCE)
            .build();
        let device_pubkey = self.identity.as_ref().map(|identity| identity.key());
        let client = match &self.identity {
            Some(identity) => client.with_identity(Arc::clone(identity)),
            None => client,
        };
        let login =
            self.persona.login(server.now()).with(|login| login.device_pubkey = device_pubkey);
        Ok(client.send_once(Command::Login(login)).await?)
    }
}

/// Holds unfinished frames from all hosts until the result is dropped.
fn besiege(server: &TestServer, scale: Scale, siege: &Arc<Siege>) -> JoinSet<()> {
    let caller = Caller::new(server.server().address());
    let greedy = (0..GREEDY * scale.frames).map(|index| (host(index % GREEDY), scale.frame_bytes));
    let modest = (0..scale.modest).map(|index| (host(GREEDY + index), scale.modest_bytes));
    let mut attackers = JoinSet::new();
    for (from, bytes) in greedy.chain(modest) {
        let (caller, siege) = (caller.clone(), Arc::clone(siege));
        attackers.spawn(async move {
            loop {
                // A connection that is closed while it sends counts as dropped too.
                let _cut = siege.hold(&caller, from, bytes).await;
                siege.dropped.fetch_add(1, Ordering::Relaxed);
                sleep(BETWEEN_FRAMES).await;
            }
        });
    }
    attackers
}

impl Siege {
    /// Sends `bytes` of a frame that announces more, and waits until the server drops it.
    async fn hold(&self, caller: &Caller, from: Ipv4Addr, bytes: usize) -> anyhow::Result<()> {
        let mut peer = caller.open(from).await?;
        peer.ask(HELLO).await?;
        peer.send(&u32::try_from(MAX_PAYLOAD)?.to_be_bytes()).await?;
        let piece = vec![b' '; PIECE];
        for sent in (0..bytes).step_by(PIECE) {
            let piece =
                piece.get(..PIECE.min(bytes - sent)).context("the last piece is out of range")?;
            peer.send(piece).await?;
            self.sent.fetch_add(piece.len(), Ordering::Relaxed);
        }
        peer.end().await;
        Ok(())
    }
}
