//! G-10: a few sources keep sending pictures that cost the server much more than they cost to send.
//! Owners log in at the same time, from known devices and for the first time.
//!
//! There are two defences, each measured without the other: one-colour pictures are refused from
//! their headers, and ordinary pictures wait behind sources that have used less. In the control all
//! requests come from one address, so that fairness between sources has no effect, and the pictures
//! have enough bytes for their pixels.

use crate::{
    crowd::{self, Entry, Member},
    daemon::Daemon,
    numbers::percentile,
    peer::{Caller, HELLO, host},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_client::Identity;
use fourauth_config::Config;
use fourauth_protocol::{
    code::Code,
    command::{Command, Login},
    picture::Picture,
    username::Username,
};
use fourauth_tests::{models, with::With as _};
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Attacking sources, and connections of each.
const SOURCES: u32 = 24;
const CONNECTIONS: u32 = 4;

/// Pictures of one login, the most allowed, and their sides in pixels: 12 megapixels.
const PICTURES: usize = 5;
const SIDES: (u32, u32) = (4000, 3000);

/// Upper bound of a login during the attack, in seconds (95th percentile, retries included), and
/// when a person gives up.
const LOGIN_S: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(15);

/// Upper bound of processor time for an attempt with refused pictures, in milliseconds: a hash and
/// a frame.
const REFUSED_MS: f64 = 150.0;

/// The first of the hosts that no attacker uses, and how many of them there are for each phase.
const ELSEWHERE: u32 = 1000;
const NEWCOMERS: u32 = 100;

/// Owners of one kind, each with an account and a login.
struct Owners {
    kind: &'static str,
    members: Vec<Member>,
    /// The key of their device.
    identity: Option<Arc<Identity>>,
    /// The host of the first owner, if each connects from a host that is new to the server.
    elsewhere: Option<u32>,
}

/// Numbers of answers that the attackers received.
#[derive(Debug, Default)]
struct Told {
    denied: AtomicU32,
    busy: AtomicU32,
    nothing: AtomicU32,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    ensure_files(SOURCES * CONNECTIONS)?;
    let daemon = Daemon::start(setup, |config| open_to_one_address(config, defence)).await?;
    let logins = setup.count(20, 3);
    let mut figures = Figures::default();
    figures.note("sources", SOURCES);
    figures.note("connections_of_each", CONNECTIONS);

    let (bombs, photographs) = (vec![one_colour()?; PICTURES], photographs());
    let attempt = match defence {
        Defence::On => &bombs,
        Defence::Off => &vec![noisy()?; PICTURES],
    };
    let cost = cost_of_an_attempt(setup, &daemon, attempt).await?;
    figures.at_most("attempt_with_refused_pictures_ms", cost, REFUSED_MS);
    let phases = match defence {
        Defence::On => vec![("one_colour_", bombs), ("photographs_", photographs)],
        Defence::Off => vec![("photographs_", photographs)],
    };
    let mut people = crowd::register(&daemon, logins * 6).await?;
    for ((phase, pictures), first) in
        phases.into_iter().zip((ELSEWHERE + NEWCOMERS..).step_by(NEWCOMERS as usize))
    {
        let some = people.split_off(people.len() - logins as usize * 3);
        let mut owners = owners(&daemon, some, first, defence).await?;
        setup.say(&format!("an attack with {phase}pictures"));
        let (goes_on, told) = (Arc::new(AtomicBool::new(true)), Arc::new(Told::default()));
        let attack = attack(&daemon, &pictures, defence, &goes_on, &told).await?;
        told.heard_something().await;
        for kind in &mut owners {
            let entries = kind.log_in(&daemon, defence).await?;
            report(&mut figures, &format!("{phase}{}", kind.kind), &entries, logins);
        }
        goes_on.store(false, Ordering::Relaxed);
        attack.join_all().await;
        told.report(&mut figures, phase);
    }
    Ok(figures)
}

/// The control lets one address use everything.
fn open_to_one_address(config: &mut Config, defence: Defence) {
    if defence == Defence::Off {
        config.limits.connections_per_source = 10_000;
        config.limits.deciding_per_source = 10_000;
        config.limits.in_flight_mib_per_source = config.limits.in_flight_mib;
        config.compute.queue_per_source = 10_000;
    }
}

/// Divides the people into three kinds, and prepares each for one more login. Newcomers will log in
/// from the host `first` and the next ones.
async fn owners(
    daemon: &Daemon,
    mut people: Vec<Member>,
    first: u32,
    defence: Defence,
) -> anyhow::Result<Vec<Owners>> {
    let each = people.len() / 3;
    let newcomers =
        |members| Owners { kind: "newcomer", members, identity: None, elsewhere: Some(first) };
    if defence == Defence::Off {
        people.truncate(each);
        return Ok(vec![newcomers(people)]);
    }
    let (with_key, by_place) = (people.split_off(2 * each), people.split_off(each));
    let identity = Some(Arc::new(Identity::generate()?));
    let mut owners = vec![
        Owners { kind: "with_key", members: with_key, identity, elsewhere: None },
        Owners { kind: "known_by_place", members: by_place, identity: None, elsewhere: None },
    ];
    for known in &mut owners {
        let entries = known.log_in(daemon, defence).await?;
        ensure!(crowd::refused(&entries) == 0, "an owner was refused before the attack");
    }
    owners.push(newcomers(people));
    Ok(owners)
}

impl Owners {
    /// Logs each owner in, one after the other. Stops after three failures.
    async fn log_in(&mut self, daemon: &Daemon, defence: Defence) -> anyhow::Result<Vec<Entry>> {
        let mut client = daemon.client()?;
        if let Some(identity) = &self.identity {
            client = client.with_identity(Arc::clone(identity));
        }
        let key = self.identity.as_ref().map(|identity| identity.key());
        let mut entries = Vec::new();
        for (member, index) in self.members.iter_mut().zip(0..) {
            let login = member.login().await?.with(|login| login.device_pubkey = key);
            let from = |first| match defence {
                Defence::On => host(first + index),
                Defence::Off => Ipv4Addr::LOCALHOST,
            };
            entries.push(match self.elsewhere.map(from) {
                None => crowd::enter(&client, &login, PATIENCE).await,
                Some(from) => enter_from(&daemon.caller(), from, &login).await,
            });
            if crowd::refused(&entries) == 3 {
                break;
            }
        }
        Ok(entries)
    }
}

/// Logs in from this host, and retries when told to.
async fn enter_from(caller: &Caller, from: Ipv4Addr, login: &Login) -> Entry {
    let (begun, mut retries) = (Instant::now(), 0);
    let payload = Command::Login(login.clone()).to_json();
    loop {
        let answer = async { caller.open(from).await?.ask(payload.expose()).await }.await.ok();
        let decided = answer.as_ref().is_some_and(|answer| answer.code != Code::Unavailable);
        if decided || begun.elapsed() > PATIENCE {
            return Entry { answer, took: begun.elapsed(), retries };
        }
        retries += 1;
        let wait = answer.and_then(|answer| answer.retry_after_ms).unwrap_or(100);
        sleep(Duration::from_millis(wait)).await;
    }
}

/// Guesses repeatedly on every connection, each time at another name.
async fn attack(
    daemon: &Daemon,
    pictures: &[Picture],
    defence: Defence,
    goes_on: &Arc<AtomicBool>,
    told: &Arc<Told>,
) -> anyhow::Result<JoinSet<()>> {
    let mut peers = Vec::new();
    for index in 0..SOURCES * CONNECTIONS {
        let from = match defence {
            Defence::On => host(index / CONNECTIONS),
            Defence::Off => Ipv4Addr::LOCALHOST,
        };
        let mut peer = daemon.caller().open(from).await?;
        ensure!(peer.ask(HELLO).await?.is_ok(), "190 was refused");
        peers.push((index, peer));
    }
    let mut attack = JoinSet::new();
    for (index, mut peer) in peers {
        let (goes_on, told) = (Arc::clone(goes_on), Arc::clone(told));
        let mut guess = guess(pictures)?;
        attack.spawn(async move {
            for round in 0.. {
                if let Ok(name) = Username::parse(&format!("nobody-{index}-{round}")) {
                    guess.username = name;
                }
                let payload = Command::Login(guess.clone()).to_json();
                let answer = peer.ask(payload.expose()).await;
                told.note(answer.as_ref().ok().map(|answer| answer.code));
                if answer.is_err() || !goes_on.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
    }
    Ok(attack)
}

fn guess(pictures: &[Picture]) -> anyhow::Result<Login> {
    Ok(Login::new(Username::parse("nobody")?, "violet-Ox-43".to_owned()).with(|login| {
        login.faces = pictures.to_vec();
        login.client_ts_utc = Some(crowd::now());
    }))
}

/// Processor time of the server for one attempt with these pictures, in milliseconds.
async fn cost_of_an_attempt(
    setup: &Setup,
    daemon: &Daemon,
    pictures: &[Picture],
) -> anyhow::Result<f64> {
    let attempts = setup.count(50, 10);
    let payload = Command::Login(guess(pictures)?).to_json();
    let mut peer = daemon.caller().open(host(ELSEWHERE)).await?;
    let before = daemon.process()?.cpu()?;
    for _ in 0..attempts {
        peer.ask(payload.expose()).await?;
    }
    let used = daemon.process()?.cpu()?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1000.0 / f64::from(attempts))
}

/// A login with these pictures has 300 KB and 60 megapixels.
fn one_colour() -> anyhow::Result<Picture> {
    png(|_| 128)
}

/// The same size with enough bytes for its pixels: every 36th row is noise.
fn noisy() -> anyhow::Result<Picture> {
    let mut chance = crate::chance::Chance::of(12);
    png(move |row| if row % 36 == 0 { (chance.next() >> 40).to_le_bytes()[0] } else { 128 })
}

/// A greyscale PNG of 12 megapixels. `byte` returns the pixels, row by row.
fn png(mut byte: impl FnMut(u32) -> u8) -> anyhow::Result<Picture> {
    let (width, height) = SIDES;
    let mut pixels = Vec::new();
    for row in 0..height {
        pixels.extend((0..width).map(|_| byte(row)));
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(Picture::new(bytes))
}

/// Five ordinary pictures of one person.
fn photographs() -> Vec<Picture> {
    vec![models::picture("obama2.jpg"); PICTURES]
}

impl Told {
    fn note(&self, told: Option<Code>) {
        let count = match told {
            Some(Code::Unavailable) => &self.busy,
            Some(_) => &self.denied,
            None => &self.nothing,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until the attack has started.
    async fn heard_something(&self) {
        let all = || [&self.denied, &self.busy, &self.nothing].map(|n| n.load(Ordering::Relaxed));
        while all().iter().sum::<u32>() < SOURCES {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn report(&self, figures: &mut Figures, phase: &str) {
        for (name, count) in
            [("denied", &self.denied), ("turned_away", &self.busy), ("cut_off", &self.nothing)]
        {
            figures.note(&format!("{phase}guesses_{name}"), count.load(Ordering::Relaxed));
        }
    }
}

fn report(figures: &mut Figures, name: &str, entries: &[Entry], logins: u32) {
    let seconds: Vec<f64> = entries.iter().map(|entry| entry.took.as_secs_f64()).collect();
    let is_in = entries.iter().filter(|entry| entry.is_in()).count();
    let retries: u32 = entries.iter().map(|entry| entry.retries).sum();
    figures.exactly(&format!("{name}_logins_ok"), u32::try_from(is_in).unwrap_or(0), logins);
    figures.note(&format!("{name}_retries"), retries);
    figures.at_most(&format!("{name}_p95_s"), percentile(&seconds, 0.95), LOGIN_S);
}
