//! People with accounts, and their ordinary logins.

use crate::{daemon::Daemon, setup::Setup};
use anyhow::{Context as _, ensure};
use fourauth_client::Client;
use fourauth_factors::totp::{STEP_SECONDS, Step, code_at, step_at};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login, Register},
    mac_address::MacAddress,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_tests::{models, persona::Persona, with::With as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

const STEP_MS: i64 = STEP_SECONDS.cast_signed() * 1000;

/// The previous step's code is not used in the last two margins before it expires.
const MARGIN_MS: i64 = 3000;

/// The password of every account.
pub(crate) const PASSWORD: &str = "violet-Ox-42";

/// A person, and the last code that they used.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) persona: Persona,
    /// The recovery codes from their registration.
    pub(crate) recovery_codes: Vec<Secret<String>>,
    spent: Step,
}

/// One login, including its retries.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The last answer.
    pub(crate) answer: Option<Answer>,
    /// From the first attempt to the last answer.
    pub(crate) took: Duration,
    /// Attempts that the server was too busy for, or that ended without an answer.
    pub(crate) retries: u32,
}

/// The system's time, which the server uses as well.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness and the server process share only this clock"
)]
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Registers `count` people, a few at a time.
pub(crate) async fn register(daemon: &Daemon, count: u32) -> anyhow::Result<Vec<Member>> {
    const AT_ONCE: u32 = 4;
    let mut people = Vec::new();
    for first in (0..count).step_by(AT_ONCE as usize) {
        let several = (first..count.min(first + AT_ONCE)).map(|index| {
            let (client, admin) = (daemon.client(), daemon.admin());
            tokio::spawn(async move { enrol(&client?, admin?, &format!("person-{index}")).await })
        });
        for registered in several.collect::<Vec<_>>() {
            people.push(registered.await??);
        }
    }
    Ok(people)
}

/// A registration that is accepted once.
pub(crate) fn registration(admin: Secret<String>, name: &str) -> anyhow::Result<Register> {
    Ok(Register::new(admin, Username::parse(name)?, PASSWORD.to_owned()).with(|register| {
        register.face = Some(models::picture("obama.jpg"));
        register.mac = MacAddress::parse("00:1b:44:11:3a:b7").ok();
    }))
}

/// Registers one person.
pub(crate) async fn enrol(
    client: &Client,
    admin: Secret<String>,
    name: &str,
) -> anyhow::Result<Member> {
    let register = registration(admin, name)?;
    let (password, mac) =
        (register.password.clone(), register.mac.context("the registration has no MAC address")?);
    let answer = client.send_once(Command::Register(register)).await?;
    ensure!(answer.is_ok(), "{name} was not registered: {answer:?}");
    let uri = answer.body.provisioning_uri.context("the answer has no provisioning URI")?;
    let recovery_codes = answer.body.recovery_codes.unwrap_or_default();
    let persona = Persona::new(name, password, mac, &uri);
    Ok(Member { persona, recovery_codes, spent: Step(0) })
}

impl Member {
    /// A login that succeeds. Waits for the next code if both valid codes were used.
    pub(crate) async fn login(&mut self) -> anyhow::Result<Login> {
        let step = loop {
            let now = now();
            let (Step(current), passed) = (step_at(now), now.0 % STEP_MS);
            let previous = Step(current.saturating_sub(1));
            if previous > self.spent && passed < STEP_MS - 2 * MARGIN_MS {
                break previous;
            }
            if Step(current) > self.spent {
                break Step(current);
            }
            let rest = STEP_MS - passed;
            sleep(Duration::from_millis(rest.unsigned_abs())).await;
        };
        self.spent = step;
        let totp = code_at(&self.persona.key, step).ok();
        Ok(self.persona.login(now()).with(|login| login.totp = totp))
    }
}

/// Logs in as a client program does: connects, sends, and retries when told to or when no answer
/// came. Gives up after `patience`.
pub(crate) async fn enter(client: &Client, login: &Login, patience: Duration) -> Entry {
    let (begun, mut retries) = (Instant::now(), 0);
    loop {
        let answer = client.send_once(Command::Login(login.clone())).await.ok();
        let wait = answer.as_ref().and_then(|answer| answer.retry_after_ms);
        let decided = answer.as_ref().is_some_and(|answer| answer.code != Code::Unavailable);
        if decided || begun.elapsed() > patience {
            return Entry { answer, took: begun.elapsed(), retries };
        }
        retries += 1;
        sleep(Duration::from_millis(wait.unwrap_or(100))).await;
    }
}

impl Entry {
    /// True if the login succeeded.
    pub(crate) fn is_in(&self) -> bool {
        self.answer.as_ref().is_some_and(Answer::is_ok)
    }
}

/// Logs in `count` times, one after the other, the people taking turns.
pub(crate) async fn queue(
    setup: &Setup,
    client: &Client,
    people: &mut [Member],
    count: u32,
    patience: Duration,
) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut turn = 0;
    for _ in 0..count {
        let person = people.get_mut(turn).context("there are no people to log in")?;
        let entry = enter(client, &person.login().await?, patience).await;
        if !entry.is_in() {
            setup.say(&format!("refused: {:?}", entry.answer));
        }
        entries.push(entry);
        turn = (turn + 1) % people.len();
    }
    Ok(entries)
}

/// Duration of each login in milliseconds.
pub(crate) fn millis(entries: &[Entry]) -> Vec<f64> {
    entries.iter().map(|entry| entry.took.as_secs_f64() * 1000.0).collect()
}

/// Number of logins that did not succeed.
pub(crate) fn refused(entries: &[Entry]) -> u32 {
    entries.iter().map(|entry| u32::from(!entry.is_in())).sum()
}
