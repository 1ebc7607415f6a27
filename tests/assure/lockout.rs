//! G-16: deliberate failures in an owner's name lock out unknown devices, and not the owner.
//!
//! A hundred hosts fail ten thousand times an hour in each owner's name. First unknown devices have
//! to wait, later the account is closed to them. The server has the default configuration, except
//! that its clock runs faster than real time: the owner has a new code every thirty seconds of that
//! clock, and the load is that many times the attack's. Penalties of hosts are on and use real
//! time; none is reached, since the account examines less than three wrong answers per host.

use crate::{
    numbers::percentile,
    peer::{Caller, Peer, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::Identity;
use fourauth_config::{AttemptsConfig, AuthConfig, ComputeConfig, Config, LimitsConfig};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login, ProveDevice},
    device::{Binding, DeviceSignature},
    secret::Secret,
};
use fourauth_store::{Lane, Target};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use fourauth_timekeeper::ManualClock;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, interval, interval_at, sleep},
};

/// Hosts that fail in one name.
const HOSTS: u32 = 100;

/// Failures per hour, and the factor by which more are sent to reach that number.
const AN_HOUR: f64 = 10_000.0;
const ZEAL: f64 = 1.25;

/// Upper bound of a login, in seconds.
const LOGIN_S: f64 = 2.0;

/// Failures that close an account to unknown devices, and the longest wait between two.
const CLOSED_AFTER: u32 = 70;
const LONGEST_WAIT_MS: i64 = 900_000;

/// Time from one code to the first that is not valid together with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// How often the clock is advanced, and how long the attack may make no progress.
const TICK: Duration = Duration::from_millis(10);
const STANDSTILL: Duration = Duration::from_mins(1);

/// Size of a run.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// How much faster than real time the clock runs.
    speed: u32,
    /// Logins of each owner.
    logins: u32,
    /// Time between two of them, by that clock: longer than a time step of a code.
    apart_ms: i64,
}

/// The owner of an attacked account.
struct Owner {
    name: &'static str,
    persona: Persona,
    identity: Option<Arc<Identity>>,
    /// Result of each login, and its seconds.
    entries: Vec<(Code, f64)>,
}

/// One attacking host.
struct Attacker {
    caller: Caller,
    from: Ipv4Addr,
    /// A claim about its device that it cannot prove.
    claim: Option<Command>,
    guess: Command,
}

/// Numbers of answers that the attackers received.
#[derive(Debug, Default)]
struct Heard {
    wrong: u32,
    wait: u32,
    closed: u32,
    /// Not accepted, disconnected, or the server was busy.
    nothing: u32,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let scale = Scale {
        speed: setup.count(20, 60),
        logins: setup.count(20, 2),
        apart_ms: setup.count(180_000, 31_000).into(),
    };
    let server = TestServer::configured(as_shipped).await;
    let mut owners = owners(&server, defence).await?;
    let (heard, begun) = (Arc::default(), Instant::now());
    let mut attack = attack(&server, &owners, scale.speed, &heard);
    attack.spawn(run(Arc::clone(server.clock()), scale.speed));
    log_in(setup, &server, &mut owners, scale, defence).await?;
    let hours = begun.elapsed().as_secs_f64() * f64::from(scale.speed) / 3600.0;
    attack.shutdown().await;

    let mut figures = Figures::default();
    figures.note("clock_runs_times", scale.speed);
    figures.note("hosts_of_each", HOSTS);
    heard.lock().await.report(&mut figures, hours, u32::try_from(owners.len())?);
    for owner in &owners {
        owner.report(&mut figures, scale.logins);
    }
    Ok(figures)
}

/// Every owner logs in at intervals: first while unknown devices have to wait, then while they are
/// locked out.
async fn log_in(
    setup: &Setup,
    server: &TestServer,
    owners: &mut [Owner],
    scale: Scale,
    defence: Defence,
) -> anyhow::Result<()> {
    for turn in 0..scale.logins {
        if turn == scale.logins / 2 {
            setup.say("the accounts are closed to unknown devices");
            close_to_strangers(server, owners).await?;
        }
        let next = server.now().saturating_add_ms(scale.apart_ms);
        while server.now() < next {
            sleep(TICK).await;
        }
        for owner in &mut *owners {
            owner.log_in(server, defence, turn).await;
        }
    }
    Ok(())
}

/// Restores the default costs, which the other tests lower, and removes all exemptions.
fn as_shipped(config: &mut Config) {
    config.auth = AuthConfig::default();
    config.attempts = AttemptsConfig::default();
    config.limits = LimitsConfig { penalty_exempt: Vec::new(), ..LimitsConfig::default() };
    config.compute = ComputeConfig::default();
}

/// An owner with a device key, and one known by address only. In the control, an owner without a
/// key, for logins from a new address each time.
async fn owners(server: &TestServer, defence: Defence) -> anyhow::Result<Vec<Owner>> {
    let kinds: &[_] = match defence {
        Defence::On => &[("with_key", true), ("known_by_place", false)],
        Defence::Off => &[("from_elsewhere", false)],
    };
    let mut owners = Vec::new();
    for (name, has_key) in kinds {
        let identity = has_key.then(Identity::generate).transpose()?.map(Arc::new);
        let persona = server.enrol(&name.replace('_', "-"), "obama.jpg").await;
        let owner = Owner { name, persona, identity, entries: Vec::new() };
        let key = owner.identity.as_ref().map(|identity| identity.key());
        let login = owner.persona.login(server.now()).with(|login| login.device_pubkey = key);
        let answer = owner.call(server, login).await?;
        ensure!(answer.is_ok(), "a login failed before the attack: {answer:?}");
        server.clock().advance_ms(TWO_STEPS_MS);
        if defence == Defence::Off {
            let answer = owner.call_from_elsewhere(server, 0).await?;
            ensure!(answer.is_ok(), "a login from a new host failed before the attack: {answer:?}");
        }
        owners.push(owner);
    }
    Ok(owners)
}

/// Advances the clock `speed` times as fast as real time.
async fn run(clock: Arc<ManualClock>, speed: u32) {
    let step_ms = i64::try_from((TICK * speed).as_millis()).unwrap_or(0);
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        clock.advance_ms(step_ms);
    }
}

/// Fails in every owner's name, evenly spread over the hosts, until the result is dropped.
fn attack(
    server: &TestServer,
    owners: &[Owner],
    speed: u32,
    heard: &Arc<Mutex<Heard>>,
) -> JoinSet<()> {
    let caller = Caller::new(server.server().address());
    let pause = Duration::from_secs_f64(3600.0 / (AN_HOUR * ZEAL * f64::from(speed)));
    let mut attack = JoinSet::new();
    for (owner, first) in owners.iter().zip((0..).step_by(HOSTS as usize)) {
        let guess = owner.persona.login(server.now()).with(|login| {
            login.password = Secret::new("violet-Ox-43".into());
            login.face = None;
        });
        for index in 0..HOSTS {
            let attacker = Attacker {
                caller: caller.clone(),
                from: host(first + index),
                claim: owner.identity.as_ref().map(|identity| unproven(identity, &guess)),
                guess: Command::Login(guess.clone()),
            };
            let begin = Instant::now() + pause * index;
            attack.spawn(attacker.fail(begin, pause * HOSTS, Arc::clone(heard)));
        }
    }
    attack
}

/// A claim with the right device id and an invalid signature.
fn unproven(identity: &Identity, guess: &Login) -> Command {
    Command::ProveDevice(
        ProveDevice::new(
            guess.username.clone(),
            identity.key().id(),
            DeviceSignature::from_bytes([7; 64]),
        )
        .with(|proof| {
            proof.mac = guess.mac;
            proof.binding = Binding::default();
        }),
    )
}

/// Advances the clock by the longest wait, again after each further failure, until the accounts are
/// closed.
async fn close_to_strangers(server: &TestServer, owners: &[Owner]) -> anyhow::Result<()> {
    loop {
        let before = failures(server, owners).await?;
        if before.iter().all(|failures| *failures >= i64::from(CLOSED_AFTER)) {
            return Ok(());
        }
        server.clock().advance_ms(LONGEST_WAIT_MS);
        let jumped = Instant::now();
        while failures(server, owners).await? == before {
            ensure!(jumped.elapsed() < STANDSTILL, "the attack makes no progress");
            sleep(TICK).await;
        }
    }
}

async fn failures(server: &TestServer, owners: &[Owner]) -> anyhow::Result<Vec<i64>> {
    let mut failures = Vec::new();
    for owner in owners {
        let target = Target::account(&owner.persona.username);
        failures.push(server.server().store().tallies(target).await?.of(Lane::Unknown).failures);
    }
    Ok(failures)
}

impl Owner {
    async fn log_in(&mut self, server: &TestServer, defence: Defence, turn: u32) {
        let begun = Instant::now();
        let answer = match defence {
            Defence::On => self.call(server, self.persona.login(server.now())).await,
            Defence::Off => self.call_from_elsewhere(server, turn + 1).await,
        };
        let code = answer.map_or(Code::Unavailable, |answer| answer.code);
        self.entries.push((code, begun.elapsed().as_secs_f64()));
    }

    /// Logs in from the known address, with the owner's device.
    async fn call(&self, server: &TestServer, login: Login) -> anyhow::Result<Answer> {
        let client = match &self.identity {
            Some(identity) => server.client().with_identity(Arc::clone(identity)),
            None => server.client(),
        };
        Ok(client.send_once(Command::Login(login)).await?)
    }

    /// Logs in from a host that is new to the server.
    async fn call_from_elsewhere(&self, server: &TestServer, turn: u32) -> anyhow::Result<Answer> {
        let from = host(1000 + turn);
        let mut peer = Caller::new(server.server().address()).open(from).await?;
        let login = Command::Login(self.persona.login(server.now()));
        Ok(peer.ask(login.to_json().expose()).await?)
    }

    fn report(&self, figures: &mut Figures, logins: u32) {
        let name = self.name;
        let of = |code| self.entries.iter().filter(move |entry| entry.0 == code);
        let seconds: Vec<f64> = of(Code::Ok).map(|entry| entry.1).collect();
        let told = |code| u32::try_from(of(code).count()).unwrap_or(u32::MAX);
        figures.note(&format!("{name}_told_to_wait"), told(Code::Throttled));
        figures.note(&format!("{name}_told_closed"), told(Code::Locked));
        figures.exactly(&format!("{name}_logins_ok"), told(Code::Ok), logins);
        figures.at_most(&format!("{name}_p95_s"), percentile(&seconds, 0.95), LOGIN_S);
    }
}

impl Attacker {
    /// Fails every `pause`, over one connection for as long as it stays open.
    async fn fail(self, begin: Instant, pause: Duration, heard: Arc<Mutex<Heard>>) {
        let mut connection = None;
        let mut ticks = interval_at(begin, pause);
        loop {
            ticks.tick().await;
            let told = self.try_once(&mut connection).await.ok();
            if told.is_none() {
                connection = None;
            }
            heard.lock().await.note(told);
        }
    }

    async fn try_once(&self, connection: &mut Option<Peer>) -> anyhow::Result<Code> {
        if connection.is_none() {
            let mut peer = self.caller.open(self.from).await?;
            if let Some(claim) = &self.claim {
                peer.ask(claim.to_json().expose()).await?;
            }
            *connection = Some(peer);
        }
        let peer = connection.as_mut().context("no connection is open")?;
        Ok(peer.ask(self.guess.to_json().expose()).await?.code)
    }
}

impl Heard {
    fn note(&mut self, told: Option<Code>) {
        let count = match told {
            Some(Code::Denied) => &mut self.wrong,
            Some(Code::Throttled) => &mut self.wait,
            Some(Code::Locked) => &mut self.closed,
            _ => &mut self.nothing,
        };
        *count += 1;
    }

    /// Reports attacks on `owners` accounts that lasted `hours`.
    fn report(&self, figures: &mut Figures, hours: f64, owners: u32) {
        let all = self.wrong + self.wait + self.closed + self.nothing;
        figures.note("failures", all);
        figures.at_most("failures_looked_at", self.wrong.into(), (CLOSED_AFTER * owners).into());
        figures.note("failures_told_to_wait", self.wait);
        figures.note("failures_told_closed", self.closed);
        figures.note("failures_told_nothing", self.nothing);
        let an_hour = f64::from(all) / f64::from(owners) / hours;
        figures.at_least("failures_an_hour_of_each", an_hour, AN_HOUR);
    }
}
