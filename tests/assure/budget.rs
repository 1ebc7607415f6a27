//! G-35: attackers who leave frames unfinished do not keep people from logging in with a picture.
//!
//! Sixteen hosts hold as much as one source may, and many more hold little each, until the budget of
//! bytes in flight is used up, reserve included. A host whose frame is dropped sends the next one. The
//! server is as it is shipped; its clock is set forward from login to login, so that each has a code
//! of its own. The control has neither reserve nor drops, and one slowest rate however full the budget.

use crate::{
    numbers::percentile,
    peer::{Caller, HELLO, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::{Client, Identity, ServerAddress, Trust};
use fourauth_config::{AttemptsConfig, AuthConfig, ComputeConfig, Config, LimitsConfig};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
    frame::MAX_PAYLOAD,
};
use fourauth_tests::{persona::Persona, server::TestServer};
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

/// How long a login may take, in seconds; the same of the programs that the tests use; and when a
/// login has failed.
const LOGIN_S: f64 = 2.0;
const SHORT_LOGIN_S: f64 = 10.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// From one code to one that was not valid with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// From the end of one unfinished frame of a connection to its next, and how much is sent at once.
const BETWEEN_FRAMES: Duration = Duration::from_millis(200);
const PIECE: usize = 64 * 1024;

/// How often it is looked whether the budget is used up, and how long it may take.
const TICK: Duration = Duration::from_millis(20);
const FILLED_WITHIN: Duration = Duration::from_mins(1);

const KIB: usize = 1024;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Bytes in flight of all sources and of one, in MiB.
    budget_mib: u32,
    share_mib: u32,
    /// Unfinished frames of a greedy host.
    frames: u32,
    frame_bytes: usize,
    /// Hosts that hold little, with a frame each.
    modest: u32,
    modest_bytes: usize,
    /// Logins of each kind of owner.
    logins: u32,
}

/// What the attackers have done.
#[derive(Debug, Default)]
struct Siege {
    sent: AtomicUsize,
    dropped: AtomicU32,
}

/// Somebody who logs in.
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
    // Each login of the control takes all of its patience.
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

/// What costs little in other runs costs here what it does.
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

/// One with a device key, one known by where they come from, and some who have never logged in.
async fn owners(
    server: &TestServer,
    logins: u32,
) -> anyhow::Result<Vec<(&'static str, Vec<Owner>)>> {
    let identity = Some(Arc::new(Identity::generate()?));
    let with_key = Owner { persona: server.enrol("with-key", "obama.jpg").await, identity };
    let by_place = Owner { persona: server.enrol("by-place", "obama.jpg").await, identity: None };
    for owner in [&with_key, &by_place] {
        let answer = owner.call(server).await.context("an answer without an attack")?;
        ensure!(answer.is_ok(), "refused even without an attack: {answer:?}");
    }
    server.clock().advance_ms(TWO_STEPS_MS);
    let mut new = Vec::new();
    for index in 0..logins {
        let persona = server.enrol(&format!("new-{index}"), "obama.jpg").await;
        new.push(Owner { persona, identity: None });
    }
    Ok(vec![("with_key", vec![with_key]), ("known_by_place", vec![by_place]), ("first_login", new)])
}

/// One login after the other, by the owners in turn; what was answered, and after how many seconds.
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
        let login = Login { device_pubkey, ..self.persona.login(server.now()) };
        Ok(client.send_once(Command::Login(login)).await?)
    }
}

/// Holds unfinished frames from all hosts until that is dropped.
fn besiege(server: &TestServer, scale: Scale, siege: &Arc<Siege>) -> JoinSet<()> {
    let caller = Caller::new(server.server().address());
    let greedy = (0..GREEDY * scale.frames).map(|index| (host(index % GREEDY), scale.frame_bytes));
    let modest = (0..scale.modest).map(|index| (host(GREEDY + index), scale.modest_bytes));
    let mut attackers = JoinSet::new();
    for (from, bytes) in greedy.chain(modest) {
        let (caller, siege) = (caller.clone(), Arc::clone(siege));
        attackers.spawn(async move {
            loop {
                // One that is cut off while it sends has been dropped as well.
                let _cut = siege.hold(&caller, from, bytes).await;
                siege.dropped.fetch_add(1, Ordering::Relaxed);
                sleep(BETWEEN_FRAMES).await;
            }
        });
    }
    attackers
}

impl Siege {
    /// Sends `bytes` of a frame that announces more, and waits until the server has enough of it.
    async fn hold(&self, caller: &Caller, from: Ipv4Addr, bytes: usize) -> anyhow::Result<()> {
        let mut peer = caller.open(from).await?;
        peer.ask(HELLO).await?;
        peer.send(&u32::try_from(MAX_PAYLOAD)?.to_be_bytes()).await?;
        let piece = vec![b' '; PIECE];
        for sent in (0..bytes).step_by(PIECE) {
            let piece = piece.get(..PIECE.min(bytes - sent)).context("a piece")?;
            peer.send(piece).await?;
            self.sent.fetch_add(piece.len(), Ordering::Relaxed);
        }
        peer.end().await;
        Ok(())
    }
}
