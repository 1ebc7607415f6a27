//! G-10: a thousand simultaneous guesses use no more memory than the queue allows, are refused at
//! once if the queue is full, and leave capacity for correct logins.

use crate::{
    crowd::{self, Entry, Member},
    daemon::Daemon,
    numbers::percentile,
    peer::{Caller, HELLO, Peer, host},
    process::{cores, ensure_files},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::Client;
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
    secret::Secret,
    username::Username,
};
use fourauth_tests::with::With as _;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Connections of one host; a server takes 64.
const PER_HOST: u32 = 50;

/// Memory of one hash and its request.
const MIB_EACH: f64 = 20.0;

/// Upper bound until a peer without a queue slot is refused, in addition to the delay of every
/// denial.
const OVERFLOW_S: f64 = 2.0;

/// Upper bound of a login during the flood, in seconds, and when a person gives up.
const LOGIN_S: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// Logins during the first thousand guesses.
const AT_ONCE: usize = 10;

/// Seconds until one attacker's guesses were answered.
#[derive(Debug, Default)]
struct Told {
    denied: Vec<f64>,
    busy: Vec<f64>,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let (attackers, logins) = (setup.count(1000, 150), setup.count(100, 12));
    ensure_files(attackers)?;
    let daemon = Daemon::start(setup, |config| patient(config, defence)).await?;
    let mut people = crowd::register(&daemon, logins).await?;
    let client = daemon.client()?;
    if defence == Defence::On {
        // From here on the server knows them and their addresses.
        let known = crowd::queue(setup, &client, &mut people, logins, PATIENCE).await?;
        ensure!(crowd::refused(&known) == 0, "a login failed before the flood");
    }
    let mut crowd = Vec::new();
    for index in 0..attackers {
        crowd.push(attacker(&daemon.caller(), index).await?);
    }
    let guess = people.first().context("no person is registered")?.persona.login(crowd::now());
    let process = daemon.process()?;
    process.forget_peak()?;
    let base = process.resident_kib()?;

    let mut figures = Figures::default();
    let mut logins_at_once = Vec::new();
    for person in people.iter_mut().take(AT_ONCE) {
        logins_at_once.push(person.login().await?);
    }
    setup.say("all guess once");
    let volley = flood(crowd, &guess, &Arc::default());
    let entries = at_once(&client, logins_at_once).await;
    of_people(&mut figures, "volley_", &entries);
    if defence == Defence::Off {
        return Ok(figures);
    }
    let (crowd, mut told) = heard(volley).await;
    setup.say("all guess again and again");
    let goes_on = Arc::new(AtomicBool::new(true));
    let flood = flood(crowd, &guess, &goes_on);
    let entries = until_hopeless(&client, &mut people).await?;
    goes_on.store(false, Ordering::Relaxed);
    of_people(&mut figures, "flood_", &entries);
    told.extend(heard(flood).await.1);

    let added = (process.peak_kib()? - base) / 1024.0;
    let places = f64::from(u32::try_from(cores() + daemon.config.compute.queue)?);
    figures.at_most("added_mib", added, places * MIB_EACH);
    of_attackers(&mut figures, &told, daemon.config.limits.denial_ms);
    Ok(figures)
}

/// The control has an endless queue and deadline, and knows no person from an earlier login.
fn patient(config: &mut Config, defence: Defence) {
    if defence == Defence::Off {
        config.compute.queue = 1_000_000;
        config.compute.deadline_ms = 3_600_000;
    }
}

async fn attacker(caller: &Caller, index: u32) -> anyhow::Result<Peer> {
    let mut peer = caller.open(host(index / PER_HOST)).await?;
    ensure!(peer.ask(HELLO).await?.is_ok(), "190 was refused");
    Ok(peer)
}

/// Every peer guesses at its own account, with a picture; while `goes_on` is true, again after each
/// answer.
fn flood(
    crowd: Vec<Peer>,
    guess: &Login,
    goes_on: &Arc<AtomicBool>,
) -> JoinSet<(Option<Peer>, Told)> {
    let mut flood = JoinSet::new();
    for (index, mut peer) in crowd.into_iter().enumerate() {
        let (guess, goes_on) = (guess.clone(), Arc::clone(goes_on));
        flood.spawn(async move {
            let mut told = Told::default();
            for round in 0.. {
                let name = format!("nobody-{index}-{round}");
                if told.hear(&mut peer, wrong(&guess, &name)).await.is_err() {
                    return (None, told);
                }
                if !goes_on.load(Ordering::Relaxed) {
                    break;
                }
            }
            (Some(peer), told)
        });
    }
    flood
}

/// Waits until every peer has its answer.
async fn heard(flood: JoinSet<(Option<Peer>, Told)>) -> (Vec<Peer>, Vec<Told>) {
    let (peers, told): (Vec<_>, Vec<_>) = flood.join_all().await.into_iter().unzip();
    (peers.into_iter().flatten().collect(), told)
}

/// Starts all logins at the same moment.
async fn at_once(client: &Client, logins: Vec<Login>) -> Vec<Entry> {
    let mut entries = JoinSet::new();
    for login in logins {
        let client = client.clone();
        entries.spawn(async move { crowd::enter(&client, &login, PATIENCE).await });
    }
    entries.join_all().await
}

/// Everyone logs in, one after the other. Stops after three failures.
async fn until_hopeless(client: &Client, people: &mut [Member]) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for person in people {
        let login = person.login().await?;
        entries.push(crowd::enter(client, &login, PATIENCE).await);
        if crowd::refused(&entries) == 3 {
            break;
        }
    }
    Ok(entries)
}

fn wrong(guess: &Login, name: &str) -> Login {
    let username = Username::parse(name).unwrap_or_else(|_| guess.username.clone());
    guess.clone().with(|login| {
        login.username = username;
        login.password = Secret::new("violet-Ox-43".into());
    })
}

impl Told {
    async fn hear(&mut self, peer: &mut Peer, login: Login) -> anyhow::Result<()> {
        peer.say(Command::Login(login).to_json().expose()).await?;
        let sent = Instant::now();
        let answer = Answer::from_json(&peer.hear().await?)?;
        let list = if answer.code == Code::Unavailable { &mut self.busy } else { &mut self.denied };
        list.push(sent.elapsed().as_secs_f64());
        Ok(())
    }
}

fn of_people(figures: &mut Figures, phase: &str, entries: &[Entry]) {
    let seconds: Vec<f64> = entries.iter().map(|entry| entry.took.as_secs_f64()).collect();
    let (p50, p99) = (percentile(&seconds, 0.5), percentile(&seconds, 0.99));
    let retries: u32 = entries.iter().map(|entry| entry.retries).sum();
    figures.note(&format!("{phase}logins"), entries.len());
    figures.note(&format!("{phase}login_retries"), retries);
    figures.note(&format!("{phase}login_p50_s"), (p50 * 1000.0).round() / 1000.0);
    figures.at_most(&format!("{phase}login_p99_s"), p99, LOGIN_S);
    figures.exactly(&format!("{phase}refused_logins"), crowd::refused(entries), 0);
}

fn of_attackers(figures: &mut Figures, told: &[Told], denial_ms: u32) {
    let all =
        |list: fn(&Told) -> &Vec<f64>| told.iter().flat_map(list).copied().collect::<Vec<_>>();
    let (denied, busy) = (all(|told| &told.denied), all(|told| &told.busy));
    figures.note("guesses_denied", denied.len());
    figures.note("guesses_turned_away", busy.len());
    figures.note("denied_p99_s", (percentile(&denied, 0.99) * 1000.0).round() / 1000.0);
    let limit = OVERFLOW_S + f64::from(denial_ms) / 1000.0;
    figures.at_most("turned_away_p99_s", percentile(&busy, 0.99), limit);
}
