//! A real server that is killed while it migrates its database.

use super::{make, plain, texts};
use crate::{
    chance::Chance,
    crash::is_proved,
    crowd::{self, Member},
    daemon::Daemon,
    report::Figures,
    setup::Setup,
};
use anyhow::Context as _;
use fourauth_tests::old_schema::{Past, VERSIONS};
use sqlx::Connection as _;
use std::{collections::BTreeSet, fs, io::ErrorKind, path::Path, time::Duration};
use tokio::time::{Instant, sleep};

/// Kills the server `kills` times, each time with another old database.
pub(crate) async fn interrupted(
    setup: &Setup,
    kills: u32,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let mut daemon = Daemon::start(setup, |_| {}).await?;
    let mut people = crowd::register(&daemon, 1).await?;
    daemon.kill().await?;
    let past = Past::of(&daemon.database(), setup.count(20_000, 500)).await?;
    let (mut chance, mut longest) = (Chance::of(24), Duration::from_millis(500));
    let (mut lost, mut unproved) = (0, 0);
    for round in 0..kills {
        let version = VERSIONS[round as usize % VERSIONS.len()];
        let before = old(&daemon, &past, version).await?;
        let begun = Instant::now();
        daemon.launch()?;
        sleep(longest.mul_f64(share(&mut chance))).await;
        daemon.kill().await?;
        daemon.launch()?;
        daemon.wait().await?;
        longest = longest.max(begun.elapsed() / 2);

        let mut after = plain(&daemon.database()).await?;
        let after_all = texts(version, &mut after).await?;
        lost += u32::from(before.iter().any(|row| is_kept(row) && !after_all.contains(row)));
        after.close().await?;
        unproved += u32::from(!is_proved(&daemon.database(), &daemon.config)?);
        if round + 1 < kills {
            daemon.kill().await?;
        }
    }
    figures.note("kills_while_migrating", kills);
    figures.note("rows_of_each_database", past.rows);
    figures.exactly("migrated_databases_that_lost_something", lost, 0);
    figures.exactly("migrated_logs_not_proved", unproved, 0);
    let person = people.first_mut().context("no account was registered")?;
    figures.exactly("logins_afterwards", login(&daemon, person).await?, 1);
    daemon.stop().await.map(|_| ())
}

/// True if the row is in a table that a starting server does not change. From the others it deletes
/// old rows, or writes the time.
fn is_kept(row: &str) -> bool {
    const FORGOTTEN: [&str; 4] = ["failures", "refusals", "outbox", "clock"];

    let (table, _) = row.split_once(':').unwrap_or_default();
    !FORGOTTEN.contains(&table)
}

/// A random fraction of one.
fn share(chance: &mut Chance) -> f64 {
    u32::try_from(chance.below(1000)).map_or(0.0, f64::from) / 1000.0
}

/// Replaces the server's database with one of `version`. Removes its checkpoints and the mark that
/// its rows are sealed, which no longer apply.
async fn old(daemon: &Daemon, past: &Past, version: usize) -> anyhow::Result<BTreeSet<String>> {
    let database = daemon.database();
    for suffix in ["", "-wal", "-shm"] {
        let mut name = database.clone().into_os_string();
        name.push(suffix);
        remove(Path::new(&name))?;
    }
    fs::remove_dir_all(daemon.config.audit_dir())?;
    remove(&daemon.config.sealed_rows_file())?;
    make(past, version, &database).await
}

fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Returns 1 if an account from the old database can log in, and 0 otherwise.
async fn login(daemon: &Daemon, person: &mut Member) -> anyhow::Result<u32> {
    let login = person.login().await?;
    let entry = crowd::enter(&daemon.client()?, &login, Duration::from_secs(10)).await;
    Ok(entry.is_in().into())
}
