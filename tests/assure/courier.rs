//! Notices survive a relay that is down for ten minutes, and kills of the courier and of the relay.
//!
//! The courier is a process of its own with a simulated clock, and the relay a real SMTP server. A
//! mail is identified by its Message-ID. It may arrive more than once only if an attempt was cut
//! short; a notice has as many copies at most as it had attempts.

use crate::{
    chance::Chance,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_courier::MailSettings;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Event, Listed};
use fourauth_tests::{mail_server::MailServer, post_office::PostOffice, server::NOON};
use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    runtime::Runtime,
    time::sleep,
};

/// Argument that makes this program call [`run`]. The arguments are in [`Worker`].
pub(crate) const WORKER: &str = "courier-worker";

/// Seed of the random numbers.
const SEED: u64 = 15;

/// How long the relay is down at first, by the simulated clock.
const OUTAGE: Duration = Duration::from_mins(10);

/// Time between two looks into the outbox, by the simulated clock.
const STEP: Duration = Duration::from_secs(5);

/// Simulated time between two lives of a courier: longer than the first wait and the deadline.
const PAUSE: Duration = Duration::from_mins(5);

/// Longest life of a courier after it has opened the database, in milliseconds.
const LIFE_MS: usize = 400;

/// Attempts of the courier, and of the control, which never retries.
const ATTEMPTS: u32 = 100;
const ONCE: u32 = 1;

/// Accounts, and the notices to each.
const ACCOUNTS: u32 = 20;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let notices = ACCOUNTS * setup.count(50, 3);
    fill(folder.path(), notices).await?;
    let mut relay = MailServer::start().await;
    let attempts = match defence {
        Defence::On => ATTEMPTS,
        Defence::Off => ONCE,
    };
    let mut worker = Worker::new(folder.path(), attempts, &relay.settings())?;

    relay.kill().await;
    worker.work(OUTAGE).await?;
    relay.launch().await;
    let kills = setup.kills.unwrap_or(setup.count(200, 6));
    let mut relay_kills = 0;
    let mut chance = Chance::of(SEED);
    for round in 0..kills {
        let life = u64::try_from(chance.below(LIFE_MS))?;
        let child = worker.start(PAUSE).await?;
        sleep(Duration::from_millis(life)).await;
        if round % 5 == 4 {
            relay.kill().await;
            relay.launch().await;
            relay_kills += 1;
        }
        worker.kill(child).await?;
    }
    worker.work(OUTAGE * 60).await?;
    report(folder.path(), &relay, notices, kills, relay_kills).await
}

/// Writes the notices.
async fn fill(folder: &Path, notices: u32) -> anyhow::Result<()> {
    let office = PostOffice::in_folder(folder, NOON).await;
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        let email = format!("person{number}@example.org");
        accounts.push(office.owner(&format!("person{number}"), Some(&email), None).await);
    }
    for (_, account) in (0..notices).zip(accounts.into_iter().cycle()) {
        office.notify(account, Event::PasswordReplaced).await;
    }
    office.store.close().await;
    Ok(())
}

/// Compares what arrived with what was to be sent.
async fn report(
    folder: &Path,
    relay: &MailServer,
    notices: u32,
    kills: u32,
    relay_kills: u32,
) -> anyhow::Result<Figures> {
    let mut copies = BTreeMap::<i64, u32>::new();
    for mail in relay.mails() {
        let id = mail.header("Message-ID");
        let number = id.trim_start_matches('<').split('.').next().context("a number")?.parse()?;
        *copies.entry(number).or_default() += 1;
    }
    let office = PostOffice::in_folder(folder, NOON).await;
    let entries = office.store.outbox(Listed::All, notices).await?;
    ensure!(entries.len() == usize::try_from(notices)?, "a notice is missing from the outbox");
    let (mut lost, mut duplicates, mut unexplained) = (0, 0, 0);
    for entry in &entries {
        let copies = copies.get(&entry.id).copied().unwrap_or_default();
        lost += u32::from(copies == 0);
        duplicates += copies.saturating_sub(1);
        unexplained += copies.saturating_sub(entry.attempts);
    }
    let mut figures = Figures::default();
    figures.note("notices", notices);
    figures.note("kills_of_the_courier", kills);
    figures.note("kills_of_the_relay", relay_kills);
    figures.exactly("lost", lost, 0);
    figures.exactly("given_up", u32::try_from(office.store.dead_notices().await?.len())?, 0);
    figures.at_most("duplicates", duplicates.into(), (kills + relay_kills).into());
    figures.exactly("copies_without_an_attempt", unexplained, 0);
    office.store.close().await;
    Ok(figures)
}

/// A courier in a process of its own, and its clock.
struct Worker {
    folder: PathBuf,
    attempts: u32,
    port: String,
    authorities: PathBuf,
    now: UnixMillis,
}

impl Worker {
    fn new(folder: &Path, attempts: u32, mail: &MailSettings) -> anyhow::Result<Self> {
        let port = mail.route.to_string();
        let authorities = mail.authorities.clone().context("a file with authorities")?;
        Ok(Self { folder: folder.to_owned(), attempts, port, authorities, now: NOON })
    }

    /// Starts a life of at most `time`, and waits until the database is open.
    async fn start(&mut self, time: Duration) -> anyhow::Result<Child> {
        let millis = i64::try_from(time.as_millis())?;
        let mut child = Command::new(env::current_exe()?)
            .arg(WORKER)
            .args([&self.folder, &self.authorities])
            .args([self.port.clone(), self.attempts.to_string()])
            .args([self.now.0.to_string(), millis.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        self.now = self.now.saturating_add_ms(millis);
        let output = child.stdout.take().context("a pipe")?;
        BufReader::new(output).lines().next_line().await?.context("the courier did not start")?;
        Ok(child)
    }

    async fn kill(&self, mut child: Child) -> anyhow::Result<()> {
        // It may have ended by itself.
        child.start_kill().or_else(|error| match child.try_wait() {
            Ok(Some(_)) => Ok(()),
            _ => Err(error),
        })?;
        child.wait().await?;
        Ok(())
    }

    /// Lives for `time` by the simulated clock.
    async fn work(&mut self, time: Duration) -> anyhow::Result<()> {
        let status = self.start(time).await?.wait().await?;
        ensure!(status.success(), "the courier ended with {status}");
        Ok(())
    }
}

/// Sends notices until nothing is left or the time is over.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [folder, authorities, route, attempts, now, millis] = arguments else {
        anyhow::bail!("expected six arguments")
    };
    let (now, millis): (i64, u64) = (now.parse()?, millis.parse()?);
    Runtime::new()?.block_on(async {
        let mut office = PostOffice::in_folder(Path::new(folder), UnixMillis(now)).await;
        office.settings.attempts = attempts.parse()?;
        let mail = MailServer::settings_of(route.parse()?, PathBuf::from(authorities));
        let mut courier = office.courier(Some(mail), None).await;
        announce()?;
        for _ in 0..Duration::from_millis(millis).as_secs() / STEP.as_secs() {
            office.round(&mut courier).await;
            office.advance(STEP);
        }
        office.store.close().await;
        Ok(())
    })
}

/// Tells the parent that the database is open.
fn announce() -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut output = std::io::stdout().lock();
    writeln!(output, "open")?;
    Ok(output.flush()?)
}
