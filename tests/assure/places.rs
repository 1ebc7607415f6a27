//! G-36: attackers hold every connection there can be and come back as soon as they lose one. Owners
//! get in.
//!
//! All of them call through a proxy that the server believes, and so from any address: a third of the
//! attackers from one IPv6 /48, the others from IPv4 hosts with eight connections each. Some of them
//! guess, so that their source has to stay away; the owners with a key are neighbours of these.

use crate::{
    crowd::{self, Entry, Member},
    daemon::Daemon,
    gate::Gate,
    numbers::percentile,
    peer::{Caller, HELLO, host},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::{Client, Identity, ServerAddress, Trust};
use fourauth_config::{Config, Network};
use fourauth_protocol::command::Login;
use fourauth_tests::proxy::introducing;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// How long a login may take, in seconds, and when its owner gives up.
const LOGIN_S: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an attacker takes to come back.
const AWAY: Duration = Duration::from_secs(5);

/// Connections of one IPv4 host among the attackers.
const PER_HOST: u32 = 8;

/// Of so many attackers in a row one guesses.
const ONE_GUESSES: u32 = 50;

/// What is wrong about a guess is its name.
const GUESS: &[u8] = br#"{"cmd":"100","username":"nobody","password":"violet-Ox-43"}"#;

/// An owner who comes from an address, perhaps with a key.
struct Owner {
    client: Client,
    member: Member,
}

/// What owners have in common.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Has a key, and neighbours who guess.
    WithKey,
    /// Has none, and has been here before.
    KnownByPlace,
    /// Has never logged in.
    FirstLogin,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let places = setup.count(2000, 200);
    let attackers = places * 3 / 2;
    let logins = if defence == Defence::On { setup.count(20, 3) } else { 2 };
    // The gate has two ends of its own.
    ensure_files(attackers * 3)?;
    let daemon = Daemon::start(setup, |config| limits(config, defence, places)).await?;
    let gate = match defence {
        Defence::On => None,
        Defence::Off => Some(Gate::open(daemon.address, places as usize).await?),
    };
    let address = gate.as_ref().map_or(daemon.address, |gate| gate.address);
    let kinds = [Kind::WithKey, Kind::KnownByPlace, Kind::FirstLogin];
    let mut owners = Vec::new();
    for kind in kinds {
        owners.push((kind, owners_of(kind, &daemon, address, logins).await?));
    }
    setup.say("attackers take every place");
    let _attack = attack(address, attackers);
    while !is_full(&daemon, gate.as_ref())? {
        sleep(Duration::from_millis(100)).await;
    }
    // By then each attacker has called, and those who lost their places come back.
    sleep(AWAY).await;
    let mut figures = Figures::default();
    figures.note("places", places);
    figures.note("attackers", attackers);
    for (kind, owners) in owners {
        setup.say(&format!("owners log in: {}", kind.as_str()));
        report(setup, &mut figures, kind, owners).await?;
    }
    Ok(figures)
}

/// As shipped, but for the number of places; in the control the server minds nothing, and the gate in
/// front of it keeps those who came first.
fn limits(config: &mut Config, defence: Defence, places: u32) {
    const MANY: usize = 1_000_000;
    const NEVER: u32 = 86_400;
    let limits = &mut config.limits;
    limits.proxies = vec![Network::LOOPBACK[0]];
    match defence {
        Defence::On => {
            limits.connections = places as usize;
            limits.startups = places as usize / 4;
        }
        Defence::Off => {
            (limits.connections_per_source, limits.connections_per_site) = (MANY, MANY);
            (limits.handshake_s, limits.first_frame_s) = (NEVER, NEVER);
            limits.penalties = false;
        }
    }
}

/// Whether a peer has lost its place, or got none.
fn is_full(daemon: &Daemon, gate: Option<&Gate>) -> anyhow::Result<bool> {
    match gate {
        Some(gate) => Ok(gate.has_refused()),
        None => Ok(daemon.log()?.contains("connections were dropped to make room")),
    }
}

/// The address of an attacker: of one IPv6 /48, or of an IPv4 host.
fn attacker(index: u32) -> IpAddr {
    let [_, _, high, low] = (index / 3 / PER_HOST).to_be_bytes();
    match index % 3 {
        0 => neighbour(index / 3),
        _ => Ipv4Addr::new(10, 1, high, low).into(),
    }
}

/// An address of the attackers' /48; the sources of it are 256.
fn neighbour(index: u32) -> IpAddr {
    let [_, _, high, low] = index.to_be_bytes();
    let subnet = u16::from_be_bytes([low, 0]);
    Ipv6Addr::new(0x2001, 0xdb8, 0xbad, subnet, 0, 0, 0, 1 + u16::from(high)).into()
}

/// Has attackers hold what they can get, until it is dropped.
fn attack(address: SocketAddr, attackers: u32) -> JoinSet<()> {
    let mut attack = JoinSet::new();
    for index in 0..attackers {
        let caller = Caller::new(address);
        attack.spawn(async move {
            loop {
                // Whatever comes of it, it is done again.
                let _lost = hold(&caller, index).await;
                sleep(AWAY).await;
            }
        });
    }
    attack
}

/// Holds one connection until the server hangs up: without a word, after one, or guessing. Those who
/// guess are neighbours of the owners with a key.
async fn hold(caller: &Caller, index: u32) -> anyhow::Result<()> {
    let guesses = index.is_multiple_of(ONE_GUESSES);
    let address = if guesses { neighbour(0) } else { attacker(index) };
    let mut peer = caller.open_after(host(index), &introducing(address)).await?;
    if guesses {
        loop {
            peer.ask(GUESS).await?;
        }
    }
    if index.is_multiple_of(2) {
        peer.ask(HELLO).await?;
    }
    peer.end().await;
    Ok(())
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WithKey => "with_key",
            Self::KnownByPlace => "known_by_place",
            Self::FirstLogin => "first_login",
        }
    }

    /// From where the `index`th of them calls.
    fn address(self, index: u32) -> IpAddr {
        let [_, _, _, low] = index.to_be_bytes();
        match self {
            Self::WithKey => neighbour(0),
            Self::KnownByPlace => Ipv4Addr::new(192, 0, 2, low).into(),
            Self::FirstLogin => Ipv4Addr::new(198, 51, 100, low).into(),
        }
    }
}

async fn owners_of(
    kind: Kind,
    daemon: &Daemon,
    address: SocketAddr,
    count: u32,
) -> anyhow::Result<Vec<Owner>> {
    let server = ServerAddress::parse(&address.to_string())?;
    let mut owners = Vec::new();
    for index in 0..count {
        let client = Client::builder(server.clone(), Trust::Pin(daemon.fingerprint))
            .preamble(&introducing(kind.address(index)))
            .build();
        let name = format!("{}-{index}", kind.as_str().replace('_', "-"));
        let member = crowd::enrol(&client, daemon.admin()?, &name).await?;
        let owner = Owner { client, member };
        owners.push(match kind {
            Kind::WithKey => owner.after_a_login(Some(Identity::generate()?)).await?,
            Kind::KnownByPlace => owner.after_a_login(None).await?,
            Kind::FirstLogin => owner,
        });
    }
    Ok(owners)
}

impl Owner {
    async fn after_a_login(mut self, identity: Option<Identity>) -> anyhow::Result<Self> {
        let device_pubkey = identity.as_ref().map(Identity::key);
        if let Some(identity) = identity {
            self.client = self.client.with_identity(Arc::new(identity));
        }
        let login = Login { device_pubkey, ..self.member.login().await? };
        let entry = crowd::enter(&self.client, &login, PATIENCE).await;
        ensure!(entry.is_in(), "an owner gets in not even without an attack: {entry:?}");
        Ok(self)
    }
}

async fn report(
    setup: &Setup,
    figures: &mut Figures,
    kind: Kind,
    owners: Vec<Owner>,
) -> anyhow::Result<()> {
    let (name, logins) = (kind.as_str(), u32::try_from(owners.len()).context("many")?);
    let mut entries: Vec<Entry> = Vec::new();
    for Owner { client, mut member } in owners {
        let login = member.login().await?;
        let entry = crowd::enter(&client, &login, PATIENCE).await;
        if !entry.is_in() {
            setup.say(&format!("refused: {:?}", entry.answer));
        }
        entries.push(entry);
    }
    let seconds: Vec<f64> = entries.iter().map(|entry| entry.took.as_secs_f64()).collect();
    let retries: u32 = entries.iter().map(|entry| entry.retries).sum();
    figures.note(&format!("{name}_retries"), retries);
    figures.exactly(&format!("{name}_logins_ok"), logins - crowd::refused(&entries), logins);
    figures.at_most(&format!("{name}_p95_s"), percentile(&seconds, 0.95), LOGIN_S);
    Ok(())
}
