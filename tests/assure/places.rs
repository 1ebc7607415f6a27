//! G-36: attackers hold every connection slot, and reconnect when they lose one. Owners can still
//! log in.
//!
//! All connect through a trusted proxy, and so from any address: a third of the attackers from one
//! IPv6 /48, the others from IPv4 hosts with eight connections each. Some of them guess until their
//! source is blocked; the owners with a key are their neighbours.

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
use fourauth_tests::{proxy::introducing, with::With as _};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// Upper bound of a login, in seconds, and when its owner gives up.
const LOGIN_S: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// Time until an attacker reconnects.
const AWAY: Duration = Duration::from_secs(5);

/// Connections of one IPv4 host among the attackers.
const PER_HOST: u32 = 8;

/// One of this many attackers guesses.
const ONE_GUESSES: u32 = 50;

/// A guess at an unknown name.
const GUESS: &[u8] = br#"{"cmd":"100","username":"nobody","password":"violet-Ox-43"}"#;

/// An owner with a fixed address, and perhaps a key.
struct Owner {
    client: Client,
    member: Member,
}

/// How the server can recognise an owner.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// By a device key. Attackers guess from the same network.
    WithKey,
    /// By address: has no key, but has logged in before.
    KnownByPlace,
    /// Not known: has never logged in.
    FirstLogin,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let places = setup.count(2000, 200);
    let attackers = places * 3 / 2;
    let logins = if defence == Defence::On { setup.count(20, 3) } else { 2 };
    // The gate needs two descriptors of its own for each connection.
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
    setup.say("attackers take every connection slot");
    let _attack = attack(address, attackers);
    while !is_full(&daemon, gate.as_ref())? {
        sleep(Duration::from_millis(100)).await;
    }
    // Until then every attacker connects, and dropped ones reconnect.
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

/// The default configuration, except for the number of connections. In the control the server has
/// no limits, and the gate in front of it keeps the first connections.
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

/// True if a peer was dropped or refused.
fn is_full(daemon: &Daemon, gate: Option<&Gate>) -> anyhow::Result<bool> {
    match gate {
        Some(gate) => Ok(gate.has_refused()),
        None => Ok(daemon.log()?.contains("connections were dropped to make room")),
    }
}

/// The address of an attacker: in one IPv6 /48, or an IPv4 host.
fn attacker(index: u32) -> IpAddr {
    let [_, _, high, low] = (index / 3 / PER_HOST).to_be_bytes();
    match index % 3 {
        0 => neighbour(index / 3),
        _ => Ipv4Addr::new(10, 1, high, low).into(),
    }
}

/// An address in the attackers' /48, which has 256 sources here.
fn neighbour(index: u32) -> IpAddr {
    let [_, _, high, low] = index.to_be_bytes();
    let subnet = u16::from_be_bytes([low, 0]);
    Ipv6Addr::new(0x2001, 0xdb8, 0xbad, subnet, 0, 0, 0, 1 + u16::from(high)).into()
}

/// Lets attackers hold as many connections as they can, until the result is dropped.
fn attack(address: SocketAddr, attackers: u32) -> JoinSet<()> {
    let mut attack = JoinSet::new();
    for index in 0..attackers {
        let caller = Caller::new(address);
        attack.spawn(async move {
            loop {
                // An attacker always tries again.
                let _lost = hold(&caller, index).await;
                sleep(AWAY).await;
            }
        });
    }
    attack
}

/// Holds one connection until the server closes it: silently, after one command, or guessing.
/// Guesses come from the network of the owners with a key.
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

    /// The address of the owner with this index.
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
        let login = self.member.login().await?.with(|login| login.device_pubkey = device_pubkey);
        let entry = crowd::enter(&self.client, &login, PATIENCE).await;
        ensure!(entry.is_in(), "a login failed before the attack: {entry:?}");
        Ok(self)
    }
}

async fn report(
    setup: &Setup,
    figures: &mut Figures,
    kind: Kind,
    owners: Vec<Owner>,
) -> anyhow::Result<()> {
    let (name, logins) = (kind.as_str(), u32::try_from(owners.len()).context("too many owners")?);
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
