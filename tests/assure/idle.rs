//! G-06: ten thousand silent connections use little memory and do not slow down logins.

use crate::{
    crowd::{self, Entry, Member},
    daemon::Daemon,
    numbers::percentile,
    peer::{Caller, HELLO, Peer, host},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_config::Config;
use std::{net::Ipv4Addr, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// 200 MiB for ten thousand.
const KIB_EACH: f64 = 200.0 * 1024.0 / 10_000.0;

/// Bytes of the unfinished frame, in the control.
const UNFINISHED: usize = 32 * 1024;

/// Connections of one host; a server takes 64.
const PER_HOST: u32 = 50;

/// Simultaneous handshakes.
const AT_ONCE: u32 = 50;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let count = setup.count(10_000, 400);
    ensure_files(count)?;
    let daemon = Daemon::start(setup, |config| spacious(config, defence)).await?;
    let caller = daemon.caller();
    let mut people = match defence {
        Defence::On => crowd::register(&daemon, setup.count(200, 6)).await?,
        Defence::Off => Vec::new(),
    };
    // The first connections also cause one-time allocations of the server.
    drop(open(&caller, AT_ONCE, defence).await?);
    let before = logins(setup, &daemon, &mut people).await?;

    let base = daemon.process()?.resident_kib()?;
    let idle = open(&caller, count, defence).await?;
    sleep(Duration::from_secs(1)).await;
    let added = daemon.process()?.resident_kib()? - base;
    setup.say(&format!("{} connections: {added:.0} KiB", idle.len()));

    let mut figures = Figures::default();
    figures.at_least("connections", count.into(), count.into());
    figures.note("added_mib", (added / 1024.0).round());
    figures.at_most("added_kib_each", added / f64::from(count), KIB_EACH);
    if defence == Defence::On {
        let meanwhile = logins(setup, &daemon, &mut people).await?;
        compare(setup, &mut figures, &before, &meanwhile);
    }
    ensure!(all_are_open(idle).await, "an idle connection was closed");
    Ok(figures)
}

/// The control lets peers leave unfinished frames in the server's memory.
fn spacious(config: &mut Config, defence: Defence) {
    if defence == Defence::Off {
        config.limits.in_flight_mib = 4096;
        config.limits.in_flight_mib_per_source = 256;
        config.limits.min_bytes_per_s = 1;
    }
}

async fn logins(
    setup: &Setup,
    daemon: &Daemon,
    people: &mut [Member],
) -> anyhow::Result<Vec<Entry>> {
    let count = if people.is_empty() { 0 } else { setup.count(200, 6) };
    let patience = Duration::from_secs(30);
    crowd::queue(setup, &daemon.client()?, people, count, patience).await
}

fn compare(setup: &Setup, figures: &mut Figures, before: &[Entry], meanwhile: &[Entry]) {
    let p99 = |entries: &[Entry]| percentile(&crowd::millis(entries), 0.99);
    figures.note("login_p99_ms_before", p99(before).round());
    figures.note("login_p99_ms_meanwhile", p99(meanwhile).round());
    // The slowest of six logins is a matter of chance.
    let ratio = if setup.is_short { 5.0 } else { 1.5 };
    figures.at_most("login_p99_ratio", p99(meanwhile) / p99(before), ratio);
    figures.exactly("refused_logins", crowd::refused(before) + crowd::refused(meanwhile), 0);
}

/// Opens `count` connections from many hosts, and sends one command on each.
async fn open(caller: &Caller, count: u32, defence: Defence) -> anyhow::Result<Vec<Peer>> {
    let (mut opening, mut open) = (JoinSet::new(), Vec::new());
    for index in 0..count {
        if opening.len() >= AT_ONCE as usize
            && let Some(one) = opening.join_next().await
        {
            open.push(one??);
        }
        let caller = caller.clone();
        opening.spawn(async move { one(&caller, index, defence).await });
    }
    while let Some(one) = opening.join_next().await {
        open.push(one??);
    }
    Ok(open)
}

/// Retries of a connection that is dropped.
const TRIES: u32 = 20;

async fn one(caller: &Caller, index: u32, defence: Defence) -> anyhow::Result<Peer> {
    let mut peer = patiently(caller, host(index / PER_HOST)).await?;
    ensure!(peer.ask(HELLO).await?.is_ok(), "190 was refused");
    if defence == Defence::Off {
        let mut unfinished = u32::try_from(2 * UNFINISHED)?.to_be_bytes().to_vec();
        unfinished.resize(UNFINISHED, b' ');
        peer.send(&unfinished).await?;
    }
    Ok(peer)
}

/// True if a frame can still be written to every tenth connection. In the control its bytes become
/// part of the unfinished frame.
async fn all_are_open(idle: Vec<Peer>) -> bool {
    for mut peer in idle.into_iter().step_by(10) {
        if peer.say(HELLO).await.is_err() {
            return false;
        }
    }
    true
}

/// Connects with retries: a server with many silent connections drops some newcomers at random.
async fn patiently(caller: &Caller, from: Ipv4Addr) -> anyhow::Result<Peer> {
    for _ in 0..TRIES {
        if let Ok(peer) = caller.open(from).await {
            return Ok(peer);
        }
    }
    Ok(caller.open(from).await?)
}
