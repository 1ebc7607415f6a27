//! G-08: the size that a header announces costs the server no memory until the bytes arrive.

use crate::{
    daemon::Daemon,
    naive::{self, Naive},
    peer::{Caller, HELLO, Peer, host},
    process::Process,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_protocol::{answer::Answer, code::Code, frame::MAX_PAYLOAD};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};

/// Announces more than the largest frame.
const OVERSIZED: [u8; 4] = [0xff; 4];

/// Announces the largest frame. One byte a second follows.
#[expect(clippy::cast_possible_truncation, reason = "4 MiB fit")]
const LARGEST: [u8; 4] = (MAX_PAYLOAD as u32).to_be_bytes();
const SLOW_KIB_EACH: f64 = 64.0;

/// Connections of one host; a server takes 64.
const PER_HOST: u32 = 50;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let slow = setup.count(500, 50);
    if defence == Defence::Off {
        // A tenth of the connections shows the difference.
        return believing(&mut figures, slow / 10).await.map(|()| figures);
    }
    let daemon = Daemon::start(setup, |_| {}).await?;
    let (caller, process) = (daemon.caller(), daemon.process()?);
    together(&caller, setup.count(100, 20)).await?;

    alone(&caller, process, &mut figures).await?;
    let many = setup.count(1000, 50);
    process.forget_peak()?;
    let base = process.resident_kib()?;
    let slowest = together(&caller, many).await?;
    figures.note("at_once", many);
    figures.at_most("at_once_slowest_close_ms", millis(slowest), 1000.0);
    let added = (process.peak_kib()? - base) / 1024.0;
    figures.at_most("at_once_added_mib", added, 64.0 * f64::from(many.max(100)) / 1000.0);

    let base = process.resident_kib()?;
    let dripping = drip(&caller, slow, setup.count(8, 4)).await?;
    let added = process.resident_kib()? - base;
    figures.note("dripping", slow);
    figures.at_most("dripping_added_kib_each", added / f64::from(slow), SLOW_KIB_EACH);
    drop(dripping);
    Ok(figures)
}

/// One oversized header: its memory, and the time until the peer is refused and disconnected.
async fn alone(caller: &Caller, process: Process, figures: &mut Figures) -> anyhow::Result<()> {
    let mut peer = established(caller, 0).await?;
    process.forget_peak()?;
    let base = process.resident_kib()?;
    let took = refused(&mut peer).await?;
    peer.end().await;
    figures.at_most("one_close_ms", millis(took), 1000.0);
    figures.at_most("one_added_kib", process.peak_kib()? - base, 256.0);
    Ok(())
}

/// Many oversized headers at the same moment. Returns the longest time until a peer was refused and
/// disconnected.
async fn together(caller: &Caller, count: u32) -> anyhow::Result<Duration> {
    let mut peers = Vec::new();
    for index in 0..count {
        peers.push(established(caller, index).await?);
    }
    let mut refusals = JoinSet::new();
    for mut peer in peers {
        refusals.spawn(async move {
            let took = refused(&mut peer).await?;
            let begun = Instant::now();
            peer.end().await;
            anyhow::Ok(took + begun.elapsed())
        });
    }
    let refusals: anyhow::Result<Vec<_>> = refusals.join_all().await.into_iter().collect();
    refusals?.into_iter().max().context("there were no peers to refuse")
}

async fn established(caller: &Caller, index: u32) -> anyhow::Result<Peer> {
    let mut peer = caller.open(host(index / PER_HOST)).await?;
    ensure!(peer.ask(HELLO).await?.is_ok(), "190 was refused");
    Ok(peer)
}

async fn refused(peer: &mut Peer) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    peer.send(&OVERSIZED).await?;
    let answer = Answer::from_json(&peer.hear().await?)?;
    ensure!(answer.code == Code::FrameTooLarge, "answered {answer:?}");
    Ok(begun.elapsed())
}

/// Frames of 4 MiB that arrive at a byte a second, for some seconds.
async fn drip(caller: &Caller, count: u32, seconds: u32) -> anyhow::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for index in 0..count {
        let mut peer = established(caller, index).await?;
        peer.send(&LARGEST).await?;
        peers.push(peer);
    }
    for _ in 0..seconds {
        for peer in &mut peers {
            peer.send(b" ").await?;
        }
        sleep(Duration::from_secs(1)).await;
    }
    Ok(peers)
}

/// The control: the same drip into a program that allocates what headers announce.
async fn believing(figures: &mut Figures, count: u32) -> anyhow::Result<()> {
    let naive = Naive::start(naive::READER)?;
    let base = naive.process()?.resident_kib()?;
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = TcpStream::connect(naive.address).await?;
        socket.write_all(&LARGEST).await?;
        sockets.push(socket);
    }
    sleep(Duration::from_secs(2)).await;
    let added = naive.process()?.resident_kib()? - base;
    figures.note("dripping", count);
    figures.at_most("dripping_added_kib_each", added / f64::from(count), SLOW_KIB_EACH);
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
