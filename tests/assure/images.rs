//! G-09: pictures that are made to cost a server much more than they cost to send, or to confuse a
//! decoder. An administrator's program registers people with them, one after the other, and a
//! bystander asks for the server's limits all the time.

mod corpus;
mod jpeg;
mod png;

use crate::{
    crowd,
    daemon::Daemon,
    naive::{self, Naive},
    numbers::percentile,
    peer::{Caller, HELLO, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use corpus::{Hostile, corpus};
use fourauth_protocol::{code::Code, command::Command, picture::Picture};
use fourauth_tests::with::With as _;
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Upper bound of the time until a picture is refused, in milliseconds (99th percentile).
const REFUSED_MS: f64 = 300.0;

/// Upper bound of the memory that all pictures together add, in MiB (peak).
const ADDED_MIB: f64 = 64.0;

/// Upper bound of the time until a bystander is answered, in milliseconds (99th percentile).
const BYSTANDER_MS: f64 = 300.0;

/// Codes that say why a picture was refused.
const REFUSALS: [Code; 3] = [Code::BadImage, Code::ImageTooLarge, Code::NoFace];

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let pictures = corpus(setup)?;
    let mut figures = Figures::default();
    figures.note("pictures", pictures.len());
    match defence {
        Defence::On => refused(setup, &pictures, &mut figures).await?,
        Defence::Off => decoded(&pictures, &mut figures)?,
    }
    Ok(figures)
}

/// Registers a person with each picture.
async fn refused(setup: &Setup, pictures: &[Hostile], figures: &mut Figures) -> anyhow::Result<()> {
    // A denial usually waits for a fixed time, which would hide how long a picture takes.
    let daemon = Daemon::start(setup, |config| config.limits.denial_ms = 0).await?;
    let process = daemon.process()?;
    let mut peer = daemon.caller().open(host(1)).await?;
    // The first attempt allocates what every attempt needs.
    peer.ask(&attempt(&daemon, "warm-up", &pictures[0].bytes)?).await?;
    process.forget_peak()?;
    let base = process.resident_kib()?;
    let goes_on = Arc::new(AtomicBool::new(true));
    let bystander = tokio::spawn(wait_repeatedly(daemon.caller(), Arc::clone(&goes_on)));

    let (mut times, mut codes) = (Vec::new(), BTreeMap::<String, u32>::new());
    let mut accepted = 0_u32;
    for (index, hostile) in pictures.iter().enumerate() {
        let payload = attempt(&daemon, &format!("person-{index}"), &hostile.bytes)?;
        let begun = Instant::now();
        let answer = peer.ask(&payload).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        setup.say(&format!("{}: {:?} after {:.0} ms", hostile.name, answer.code, times[index]));
        accepted += u32::from(!REFUSALS.contains(&answer.code));
        *codes.entry(serde_json::to_string(&answer.code)?.replace('"', "")).or_default() += 1;
    }
    goes_on.store(false, Ordering::Relaxed);
    let waits = bystander.await??;
    figures.exactly("survived", u32::try_from(times.len())?, u32::try_from(pictures.len())?);
    figures.exactly("not_refused", accepted, 0);
    for (code, count) in codes {
        figures.note(&format!("refused_{code}"), count);
    }
    figures.at_most("refused_p99_ms", percentile(&times, 0.99), REFUSED_MS);
    figures.at_most("added_mib", (process.peak_kib()? - base) / 1024.0, ADDED_MIB);
    figures.note("bystander_answers", waits.len());
    figures.at_most("bystander_p99_ms", percentile(&waits, 0.99), BYSTANDER_MS);
    Ok(())
}

/// The registration of a person with this picture, as JSON.
fn attempt(daemon: &Daemon, name: &str, picture: &[u8]) -> anyhow::Result<Vec<u8>> {
    let register = crowd::registration(daemon.admin()?, name)?
        .with(|register| register.face = Some(Picture::new(picture.to_vec())));
    Ok(Command::Register(register).to_json().expose().clone())
}

/// Asks for the limits until told to stop. Returns the waits for the answers, in milliseconds.
async fn wait_repeatedly(caller: Caller, goes_on: Arc<AtomicBool>) -> anyhow::Result<Vec<f64>> {
    let mut peer = caller.open(host(0)).await?;
    let mut waits = Vec::new();
    while goes_on.load(Ordering::Relaxed) {
        let begun = Instant::now();
        ensure!(peer.ask(HELLO).await?.is_ok(), "190 was refused");
        waits.push(begun.elapsed().as_secs_f64() * 1000.0);
        sleep(Duration::from_millis(10)).await;
    }
    Ok(waits)
}

/// Gives each picture to a program that decodes whatever a header announces.
fn decoded(pictures: &[Hostile], figures: &mut Figures) -> anyhow::Result<()> {
    let decoder = Naive::start(naive::DECODER)?;
    let process = decoder.process()?;
    let base = process.resident_kib()?;
    process.forget_peak()?;
    let (mut times, mut peak) = (Vec::new(), base);
    for hostile in pictures {
        let begun = Instant::now();
        if show(decoder.address, &hostile.bytes).is_err() {
            // It ran out of memory.
            break;
        }
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        peak = process.peak_kib()?;
    }
    let survived = u32::try_from(times.len())?;
    figures.exactly("survived", survived, u32::try_from(pictures.len())?);
    figures.at_most("refused_p99_ms", percentile(&times, 0.99), REFUSED_MS);
    figures.at_most("added_mib", (peak - base) / 1024.0, ADDED_MIB);
    Ok(())
}

/// Sends a picture, and waits until the connection is closed.
fn show(decoder: SocketAddr, picture: &[u8]) -> io::Result<()> {
    let mut socket = TcpStream::connect(decoder)?;
    socket.write_all(picture)?;
    socket.shutdown(Shutdown::Write)?;
    socket.read_to_end(&mut Vec::new()).map(drop)
}
