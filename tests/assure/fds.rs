//! G-05: a server without file descriptors uses little CPU, serves open sessions, and recovers.

use crate::{
    crowd,
    daemon::Daemon,
    naive::{self, Naive},
    peer::{Caller, HELLO, host},
    process::Process,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_protocol::command::Command;
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// Sockets that use up the descriptors. More than the server can accept, so that one is always
/// pending, and no more than fit into the naive acceptor's files and its backlog of 128.
const HOGS: u32 = 150;

/// Upper bound of CPU use in that state, in percent of one core.
const CPU_PERCENT: f64 = 10.0;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let watched = Duration::from_secs(setup.count(5, 2).into());
    match defence {
        Defence::On => with_rest(setup, watched, &mut figures).await?,
        Defence::Off => without_rest(watched, &mut figures).await?,
    }
    Ok(figures)
}

async fn with_rest(setup: &Setup, watched: Duration, figures: &mut Figures) -> anyhow::Result<()> {
    let daemon = Daemon::start(setup, |_| {}).await?;
    let mut people = crowd::register(&daemon, 2).await?;
    let mut session = daemon.client()?.connect().await?;
    let mut neighbour = daemon.caller().open(host(0)).await?;
    ensure!(neighbour.ask(HELLO).await?.is_ok(), "190 was refused");

    daemon.process()?.limit_files(naive::FILES)?;
    let hogs = hog(&daemon.caller()).await?;
    while !daemon.log()?.contains("cannot accept") {
        sleep(Duration::from_millis(50)).await;
    }
    figures.at_most("cpu_percent", cpu_percent(daemon.process()?, watched).await?, CPU_PERCENT);
    let greeted = neighbour.ask(HELLO).await?.is_ok();
    let login = people[0].login().await?;
    let entered = session.send(Command::Login(login)).await?.is_ok();
    figures.exactly("open_sessions_served", u32::from(greeted) + u32::from(entered), 2);
    ensure!(
        is_starved(&daemon.caller()).await,
        "a new peer was served; descriptors were not used up"
    );

    let login = people[1].login().await?;
    drop(hogs);
    let begun = Instant::now();
    let entry = crowd::enter(&daemon.client()?, &login, Duration::from_mins(1)).await;
    ensure!(entry.is_in(), "a login failed after the sockets were closed: {entry:?}");
    figures.at_most("recovery_s", begun.elapsed().as_secs_f64(), 5.0);
    Ok(())
}

/// Opens silent sockets, each from a different host.
async fn hog(caller: &Caller) -> anyhow::Result<Vec<TcpStream>> {
    let mut hogs = Vec::new();
    for index in 0..HOGS {
        hogs.push(caller.socket(host(index)).await?);
    }
    Ok(hogs)
}

/// True if a new peer is not answered.
async fn is_starved(caller: &Caller) -> bool {
    timeout(Duration::from_millis(500), caller.open(host(HOGS))).await.is_err()
}

async fn without_rest(watched: Duration, figures: &mut Figures) -> anyhow::Result<()> {
    let naive = Naive::start(naive::ACCEPTOR)?;
    let hogs = hog(&Caller::new(naive.address)).await?;
    sleep(Duration::from_millis(500)).await;
    figures.at_most("cpu_percent", cpu_percent(naive.process()?, watched).await?, CPU_PERCENT);
    drop(hogs);
    Ok(())
}

async fn cpu_percent(process: Process, watched: Duration) -> anyhow::Result<f64> {
    let (begun, before) = (Instant::now(), process.cpu()?);
    sleep(watched).await;
    let busy = process.cpu()?.saturating_sub(before);
    Ok(100.0 * busy.as_secs_f64() / begun.elapsed().as_secs_f64())
}
