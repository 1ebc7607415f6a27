//! A few hosts take all the connections that they get, and leave room for visitors.

use super::{honest, target::Target};
use crate::{
    gate::Gate,
    peer::{Caller, host},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::AsyncReadExt as _,
    task::JoinSet,
    time::{sleep, timeout},
};

/// The hosts, and the connections that each tries to hold. A gateway takes 64 from one host and 1024
/// in total.
const HOSTS: u32 = 20;
const PER_HOST: u32 = 64;
const TOTAL: usize = 1024;

/// Time until a host replaces a connection that was closed.
const AWAY: Duration = Duration::from_millis(200);

/// Longest time until the gate of the control is full.
const FULL: Duration = Duration::from_mins(1);

/// How long the visitors come.
const SIEGE: Duration = Duration::from_secs(5);

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    ensure_files(2 * HOSTS * PER_HOST)?;
    let target = Target::start(setup, defence, |_| {}).await?;
    // In the control the connections that come first are kept.
    let gate = match defence {
        Defence::On => None,
        Defence::Off => Some(Gate::open(target.address, TOTAL).await?),
    };
    let address = gate.as_ref().map_or(target.address, |gate| gate.address);
    let mut attackers = JoinSet::new();
    for index in 0..HOSTS * PER_HOST {
        attackers.spawn(hold(Caller::new(address), host(index / PER_HOST)));
    }
    // All have connected, and those without a place have tried again.
    sleep(5 * AWAY).await;
    if let Some(gate) = &gate {
        let is_full = async {
            while !gate.has_refused() {
                sleep(AWAY).await;
            }
        };
        timeout(FULL, is_full).await.context("the hosts did not fill the gate")?;
    }
    let ((), visitors) = honest::meanwhile(address, sleep(SIEGE)).await?;
    drop(attackers);

    let mut figures = Figures::default();
    figures.note("hosts", HOSTS);
    figures.note("connections", HOSTS * PER_HOST);
    visitors.report(setup, &mut figures);
    Ok(figures)
}

/// Keeps a silent connection, and opens another one when it is closed.
async fn hold(caller: Caller, from: Ipv4Addr) {
    loop {
        if let Ok(mut socket) = caller.socket(from).await {
            // The server closes it without a word.
            let _closed = socket.read(&mut [0]).await;
        }
        sleep(AWAY).await;
    }
}
