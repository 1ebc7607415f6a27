//! G-16: who fails in somebody's name on purpose keeps strangers out, and not the owner.
//!
//! A hundred hosts fail ten thousand times an hour in each owner's name: first strangers are made to
//! wait, later the account is closed to them. The server is as it is shipped, but for a clock that
//! runs faster than time: an owner has a new code each half a minute of it, and the load is that
//! many times the attack's. Penalties of hosts are on and go by real time; none is due, since the
//! account leaves each host less than three wrong answers.

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
use fourauth_tests::{persona::Persona, server::TestServer};
use fourauth_timekeeper::ManualClock;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, interval, interval_at, sleep},
};

/// Hosts that fail in one name.
const HOSTS: u32 = 100;

/// How often they do in an hour; and how much more is tried, so that it is not less.
const AN_HOUR: f64 = 10_000.0;
const ZEAL: f64 = 1.25;

/// How long a login may take, in seconds.
const LOGIN_S: f64 = 2.0;

/// Failures after which an account is closed to strangers, and the longest wait between two.
const CLOSED_AFTER: u32 = 70;
const LONGEST_WAIT_MS: i64 = 900_000;

/// From one code to one that was not valid with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// How often the clock is moved, and how long nothing may happen after it.
const TICK: Duration = Duration::from_millis(10);
const STANDSTILL: Duration = Duration::from_mins(1);

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// How much faster than time the clock runs.
    speed: u32,
    /// Logins of each owner.
    logins: u32,
    /// Between two of them, by that clock: longer than a step of a code.
    apart_ms: i64,
}

/// Somebody whose name is abused.
struct Owner {
    name: &'static str,
    persona: Persona,
    identity: Option<Arc<Identity>>,
    /// What came of each login, and after how many seconds.
    entries: Vec<(Code, f64)>,
}

/// One of the hosts.
struct Attacker {
    caller: Caller,
    from: Ipv4Addr,
    /// What it says of its device, and cannot prove.
    claim: Option<Command>,
    guess: Command,
}

/// What attackers were told.
#[derive(Debug, Default)]
struct Heard {
    wrong: u32,
    wait: u32,
    closed: u32,
    /// Not even let in, cut off, or too much for the server.
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

/// Every owner logs in now and then: first while strangers are made to wait, then while they are shut
/// out.
async fn log_in(
    setup: &Setup,
    server: &TestServer,
    owners: &mut [Owner],
    scale: Scale,
    defence: Defence,
) -> anyhow::Result<()> {
    for turn in 0..scale.logins {
        if turn == scale.logins / 2 {
            setup.say("the accounts are closed to strangers");
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

/// What costs little in other runs costs here what it does, and nobody is exempt from anything.
fn as_shipped(config: &mut Config) {
    config.auth = AuthConfig::default();
    config.attempts = AttemptsConfig::default();
    config.limits = LimitsConfig { penalty_exempt: Vec::new(), ..LimitsConfig::default() };
    config.compute = ComputeConfig::default();
}

/// One whose device has a key and one whose device has none and is known where it is. In the control
/// somebody without a key, who will call from elsewhere each time.
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
        let login = Login { device_pubkey: key, ..owner.persona.login(server.now()) };
        let answer = owner.call(server, login).await?;
        ensure!(answer.is_ok(), "nobody gets in even without an attack: {answer:?}");
        server.clock().advance_ms(TWO_STEPS_MS);
        if defence == Defence::Off {
            let answer = owner.call_from_elsewhere(server, 0).await?;
            ensure!(answer.is_ok(), "elsewhere is no good even without an attack: {answer:?}");
        }
        owners.push(owner);
    }
    Ok(owners)
}

/// Moves the clock on, `speed` times as fast as time.
async fn run(clock: Arc<ManualClock>, speed: u32) {
    let step_ms = i64::try_from((TICK * speed).as_millis()).unwrap_or(0);
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        clock.advance_ms(step_ms);
    }
}

/// Has every owner's name failed in, evenly spread over the hosts, until that is dropped.
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
        let guess = Login {
            password: Secret::new("violet-Ox-43".into()),
            face: None,
            ..owner.persona.login(server.now())
        };
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

/// What somebody who knows which device it should be can say of it.
fn unproven(identity: &Identity, guess: &Login) -> Command {
    Command::ProveDevice(ProveDevice {
        username: guess.username.clone(),
        mac: guess.mac,
        device_id: identity.key().id(),
        device_sig: DeviceSignature::from_bytes([7; 64]),
        binding: Binding::default(),
    })
}

/// Sets the clock forward by the longest wait, and again as soon as somebody was wrong once more,
/// until there is no more waiting for it.
async fn close_to_strangers(server: &TestServer, owners: &[Owner]) -> anyhow::Result<()> {
    loop {
        let before = failures(server, owners).await?;
        if before.iter().all(|failures| *failures >= i64::from(CLOSED_AFTER)) {
            return Ok(());
        }
        server.clock().advance_ms(LONGEST_WAIT_MS);
        let jumped = Instant::now();
        while failures(server, owners).await? == before {
            ensure!(jumped.elapsed() < STANDSTILL, "the attack does not go on");
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

    /// From where they have always called, with their device.
    async fn call(&self, server: &TestServer, login: Login) -> anyhow::Result<Answer> {
        let client = match &self.identity {
            Some(identity) => server.client().with_identity(Arc::clone(identity)),
            None => server.client(),
        };
        Ok(client.send_once(Command::Login(login)).await?)
    }

    /// From a host that nobody has seen before.
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
    /// Fails every `pause`, over one connection for as long as that is left open.
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
        let peer = connection.as_mut().context("a connection")?;
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

    /// Of attacks on so many `owners`, each of which took so many `hours`.
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
