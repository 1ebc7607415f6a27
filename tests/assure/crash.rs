//! G-02: the server is killed at any instant (`kill -9`) and loses nothing that it acknowledged.
//!
//! It is killed during logins, registrations and recoveries, while it starts, while its keys are
//! being rotated, and while an older database is being migrated. What a killed process has passed
//! to the operating system survives; power failures are tested in [`powerfail`](crate::powerfail).

mod hasty;
mod ledger;
mod load;

pub(crate) use hasty::{HASTY, run as run_hasty};
pub(crate) use ledger::{Ledger, is_proved};
pub(crate) use load::{Load, Member};

use crate::{
    chance::Chance,
    daemon::Daemon,
    migrate,
    numbers::{self, percentile},
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_config::{AttemptsConfig, AuthConfig, Config};
use fourauth_tests::server::unlimited;
use std::{process::Stdio, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// Seed of the random numbers.
const SEED: u64 = 2;

/// Longest time that a server runs after its first answer, in milliseconds. Some are killed during
/// the next requests, some after dozens.
const LIFE_MS: usize = 1500;

/// A start is interrupted within this time, in milliseconds. A complete start takes about as long.
const START_MS: usize = 400;

/// Upper bound until the server serves again, in milliseconds.
const READY_MS: f64 = 2000.0;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            let kills = setup.kills.unwrap_or(setup.count(200, 6));
            under_load(setup, kills, &mut figures).await?;
            if !setup.is_short {
                migrate::interrupted(setup, kills.div_ceil(10), &mut figures).await?;
            }
        }
        Defence::Off => hasty::figures(setup, &mut figures).await?,
    }
    Ok(figures)
}

/// What the server is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Serving,
    Starting,
    Rotating,
}

impl Moment {
    /// Two rounds of five are not [`Moment::Serving`].
    fn of(round: u32) -> Self {
        match round % 5 {
            1 => Self::Starting,
            3 => Self::Rotating,
            _ => Self::Serving,
        }
    }
}

async fn under_load(setup: &Setup, kills: u32, figures: &mut Figures) -> anyhow::Result<()> {
    let mut daemon = Daemon::start(setup, quick).await?;
    let (mut chance, mut ledger, mut ready) = (Chance::of(SEED), Ledger::default(), Vec::new());
    let (mut moments, mut members) = ([0_u32; 3], Vec::<Member>::new());
    for round in 0..kills {
        let moment = Moment::of(round);
        moments[moment as usize] += 1;
        let load = Load::begin(&daemon, round, &ledger, &mut members)?;
        load.next_decision().await?;
        let life = Duration::from_millis(millis(&mut chance, LIFE_MS));
        if moment == Moment::Rotating {
            rotate_meanwhile(&daemon, life, millis(&mut chance, LIFE_MS)).await?;
        } else {
            sleep(life).await;
        }
        daemon.kill().await?;
        load.end(&mut ledger, &mut members).await?;
        if moment == Moment::Starting {
            daemon.launch()?;
            sleep(Duration::from_millis(millis(&mut chance, START_MS))).await;
            daemon.kill().await?;
        }
        let begun = Instant::now();
        daemon.launch()?;
        daemon.wait().await?;
        ready.push(begun.elapsed().as_secs_f64() * 1000.0);
        ledger.audit(&daemon.database(), Some(&daemon.config)).await?;
        if round % 10 == 9 {
            setup.say(&format!("{} kills, {} answers", round + 1, ledger.answers()));
        }
    }
    daemon.stop().await?;

    figures.note("kills", kills);
    figures.note("kills_while_starting", moments[Moment::Starting as usize]);
    figures.note("kills_while_rotating_keys", moments[Moment::Rotating as usize]);
    figures.at_least("answers", numbers::count(ledger.answers()), kills.into());
    ledger.report(figures);
    if setup.is_short {
        figures.note("ready_ms_p99", percentile(&ready, 0.99));
    } else {
        figures.at_most("ready_ms_p99", percentile(&ready, 0.99), READY_MS);
    }
    Ok(())
}

fn millis(chance: &mut Chance, below: usize) -> u64 {
    u64::try_from(chance.below(below)).unwrap_or(0)
}

/// Runs `fourauthd key rotate` while the server runs, and kills it before or after the server.
async fn rotate_meanwhile(daemon: &Daemon, life: Duration, begins: u64) -> anyhow::Result<()> {
    let end = Instant::now() + life + Duration::from_millis(begins);
    sleep(Duration::from_millis(begins / 2)).await;
    let mut rotation = daemon
        .command()
        .args(["key", "rotate"])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    tokio::select! {
        ended = rotation.wait() => drop(ended?),
        () = sleep_until(end) => rotation.kill().await?,
    }
    Ok(())
}

/// Turns off the limits that would treat this load as an attack, and makes hashing cheap enough for
/// it.
pub(crate) fn quick(config: &mut Config) {
    config.auth = AuthConfig { argon2_memory_kib: 64, argon2_passes: 1, ..config.auth.clone() };
    config.attempts = AttemptsConfig { recovery_cooldown_s: 0, ..unlimited() };
    config.limits.penalties = false;
    config.limits.denial_ms = 0;
    config.limits.deciding_per_source = 1000;
    config.limits.connections_per_source = 1000;
}
