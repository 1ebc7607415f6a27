//! G-15: an account allows a hundred guesses, over any time and from any hosts.
//!
//! The clock is advanced by each wait that the server demands, so that fifteen hours pass in
//! seconds. Every unknown device connects from its own host, which gains nothing. Penalties of
//! hosts do not apply, because loopback is exempt: only the limits of each account are measured.

use crate::{
    peer::{Caller, host},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, bail, ensure};
use fourauth_config::{AttemptsConfig, Config};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{
    models::{self, picture},
    persona::Persona,
    server::{TestServer, quick, unlimited},
    with::With as _,
};
use fourauth_timekeeper::{Clock as _, ManualClock};
use std::{net::Ipv4Addr, sync::Arc};
use tempfile::TempDir;

/// Time from one code to the first that is not valid together with it, in milliseconds. A used code
/// is spent.
const TWO_STEPS_MS: i64 = 60_000;

/// Attempts beyond the allowed ones.
const PERSISTENCE: u32 = 2;

/// Allowed wrong attempts: the numbers of the threat model.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    strangers: u32,
    acquaintances: u32,
    faces_of_strangers: u32,
    faces_of_acquaintances: u32,
    faces_at_once: u32,
    codes_in_a_minute: u32,
}

/// A kind of wrong attempt.
#[derive(Clone, Copy)]
struct Guess<'a> {
    person: &'a Persona,
    wrong: fn(&Persona, UnixMillis) -> Login,
    /// The source address of the attempt with this number.
    from: fn(u32) -> Ipv4Addr,
}

/// Answers to a series of wrong attempts.
#[derive(Debug, Default)]
struct Course {
    /// Attempts that were examined.
    examined: u32,
    /// Waits: the number of attempts examined before each, and its seconds.
    waits: Vec<(u32, u64)>,
}

/// A server that can be restarted on the same data.
struct House {
    server: Server,
    clock: Arc<ManualClock>,
    config: Config,
    folder: TempDir,
    /// Passwords hashed before the last restart.
    hashed_before: u64,
    /// Hashes that the server computed for itself at its start.
    hashed_at_start: u64,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let allowed = Allowed::of(setup);
    let attempts = match defence {
        Defence::On if setup.is_short => allowed.configured(),
        Defence::On => AttemptsConfig::default(),
        Defence::Off => unlimited(),
    };
    let server = TestServer::configured(|config| config.attempts = attempts.clone()).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let bob = server.enrol("bob", "obama.jpg").await;
    let carol = server.enrol("carol", "obama.jpg").await;
    let now = server.now();
    let house = House::open(server.stop().await, &attempts, now, 0).await?;
    for person in [&alice, &bob, &carol] {
        ensure!(house.is_accepted(home(0), person).await?, "a correct login from loopback failed");
    }
    house.clock.advance_ms(TWO_STEPS_MS);

    let mut figures = Figures::default();
    setup.say("wrong codes");
    codes(&house, &carol, &allowed, &mut figures).await?;
    setup.say("wrong faces");
    faces(&house, &bob, &allowed, &mut figures).await?;
    setup.say("wrong passwords");
    let (house, strangers) = Box::pin(passwords(house, &alice, &allowed, &mut figures)).await?;
    setup.say("an unknown name");
    let unknown = Persona { username: Username::parse("nobody")?, ..alice };
    unknown_name(&house, &unknown, &strangers, &allowed, &mut figures).await?;
    house.server.stop().await;
    Ok(figures)
}

/// Wrong passwords from unknown devices, then from a known device, with a restart in the middle of
/// each and after both.
async fn passwords(
    house: House,
    alice: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<(House, Course)> {
    let guess = Guess { person: alice, wrong: wrong_password, from: host };
    let before = house.hashes();
    let mut strangers = Course::default();
    house.fail(guess, &mut strangers, allowed.strangers / 2).await?;
    let house = house.restart().await?;
    house.fail(guess, &mut strangers, allowed.strangers + PERSISTENCE).await?;

    let (guess, mut known) = (Guess { from: home, ..guess }, Course::default());
    house.fail(guess, &mut known, allowed.acquaintances / 2).await?;
    let house = house.restart().await?;
    house.fail(guess, &mut known, allowed.acquaintances + PERSISTENCE).await?;
    let hashes = u32::try_from(house.hashes() - before)?;
    let house = house.restart().await?;

    figures.exactly("strangers_examined", strangers.examined, allowed.strangers);
    figures.exactly("known_device_examined", known.examined, allowed.acquaintances);
    figures.exactly("passwords_hashed", hashes, allowed.strangers + allowed.acquaintances);
    let seconds: Vec<_> = strangers.waits.iter().map(|(_, seconds)| *seconds).collect();
    figures.note("stranger_waits_s", seconds);
    let differing = strangers.differs(&doublings(allowed.strangers));
    figures.exactly("stranger_waits_that_differ", differing, 0);
    figures.exactly("known_device_waits", u32::try_from(known.waits.len())?, 0);
    let mut accepted = 0;
    for from in [host(0), home(0)] {
        house.clock.advance_ms(TWO_STEPS_MS);
        accepted += u32::from(house.is_accepted(from, alice).await?);
    }
    figures.exactly("let_in_after_a_restart_with_everything_right", accepted, 0);
    Ok((house, strangers))
}

/// An unknown name must be treated the same way as a known one.
async fn unknown_name(
    house: &House,
    unknown: &Persona,
    strangers: &Course,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { person: unknown, wrong: wrong_password, from: host };
    let mut course = Course::default();
    house.fail(guess, &mut course, allowed.strangers + PERSISTENCE).await?;
    figures.exactly("unknown_name_examined", course.examined, allowed.strangers);
    figures.exactly("unknown_name_waits_that_differ", course.differs(&strangers.waits), 0);
    Ok(())
}

/// Wrong faces from unknown devices until they are no longer examined, then from a known device.
async fn faces(
    house: &House,
    bob: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { person: bob, wrong: wrong_face, from: host };
    let (mut strangers, mut known) = (Course::default(), Course::default());
    house.fail(guess, &mut strangers, allowed.faces_of_strangers + PERSISTENCE).await?;
    let guess = Guess { from: home, ..guess };
    house.fail(guess, &mut known, allowed.faces_of_acquaintances + PERSISTENCE).await?;

    figures.exactly("stranger_faces_examined", strangers.examined, allowed.faces_of_strangers);
    figures.exactly("known_device_faces_examined", known.examined, allowed.faces_of_acquaintances);
    let expected: Vec<_> =
        (allowed.faces_at_once..allowed.faces_of_acquaintances).map(|after| (after, 30)).collect();
    figures.note("known_device_face_waits", known.waits.len());
    figures.exactly("known_device_face_waits_that_differ", known.differs(&expected), 0);
    Ok(())
}

/// Wrong codes in the first second of a minute, and one more in the next minute.
async fn codes(
    house: &House,
    carol: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { person: carol, wrong: wrong_code, from: home };
    let mut course = Course::default();
    house.fail(guess, &mut course, allowed.codes_in_a_minute + 1).await?;
    let at_once = course.waits.first().map_or(course.examined, |(after, _)| *after);
    figures.exactly("codes_examined_in_a_minute", at_once, allowed.codes_in_a_minute);
    let expected = [(allowed.codes_in_a_minute, 60)];
    figures.exactly("code_waits_that_differ", course.differs(&expected), 0);
    Ok(())
}

/// One second after the first failure, doubled after each, up to 900 seconds. The last failure has
/// no wait.
fn doublings(failures: u32) -> Vec<(u32, u64)> {
    let seconds = |after: u32| 1_u64.checked_shl(after - 1).map_or(900, |wait| wait.min(900));
    (1..failures).map(|after| (after, seconds(after))).collect()
}

fn wrong_password(person: &Persona, now: UnixMillis) -> Login {
    person.login(now).with(|login| {
        login.password = Secret::new("violet-Ox-43".into());
        login.face = None;
    })
}

fn wrong_face(person: &Persona, now: UnixMillis) -> Login {
    person.login(now).with(|login| login.face = Some(picture("biden.jpg")))
}

fn wrong_code(person: &Persona, now: UnixMillis) -> Login {
    person.login(now).with(|login| login.totp = Some(person.wrong_code(now)))
}

/// The address from which every person is known.
const fn home(_: u32) -> Ipv4Addr {
    Ipv4Addr::LOCALHOST
}

impl Allowed {
    const fn of(setup: &Setup) -> Self {
        Self {
            strangers: setup.count(70, 12),
            acquaintances: setup.count(25, 4),
            faces_of_strangers: setup.count(35, 3),
            faces_of_acquaintances: setup.count(10, 4),
            faces_at_once: setup.count(5, 2),
            codes_in_a_minute: setup.count(5, 3),
        }
    }

    fn configured(self) -> AttemptsConfig {
        AttemptsConfig {
            unknown_device: self.strangers,
            known_device: self.acquaintances,
            face_unknown_device: self.faces_of_strangers,
            face_known_device: self.faces_of_acquaintances,
            face_before_waiting: self.faces_at_once,
            totp_in_a_minute: self.codes_in_a_minute,
            ..AttemptsConfig::default()
        }
    }
}

impl Course {
    /// Number of waits with a wrong position or length.
    fn differs(&self, expected: &[(u32, u64)]) -> u32 {
        let pairs = self.waits.iter().zip(expected);
        let alike = pairs.filter(|(wait, expected)| wait == expected).count();
        let all = self.waits.len().max(expected.len());
        u32::try_from(all - alike).unwrap_or(u32::MAX)
    }
}

impl House {
    async fn open(
        folder: TempDir,
        attempts: &AttemptsConfig,
        now: UnixMillis,
        hashed_before: u64,
    ) -> anyhow::Result<Self> {
        let config = Config { attempts: attempts.clone(), ..quick(folder.path()) };
        let clock = Arc::new(ManualClock::at(now));
        let time = TimeSource::Given(Arc::clone(&clock) as _);
        let server = Server::start(&config, models::engine(), time, now).await?;
        let hashed_at_start = server.context().authenticator.work().hashes;
        Ok(Self { server, clock, config, folder, hashed_before, hashed_at_start })
    }

    async fn restart(self) -> anyhow::Result<Self> {
        let (now, hashes) = (self.now(), self.hashes());
        self.server.stop().await;
        Self::open(self.folder, &self.config.attempts, now, hashes).await
    }

    fn now(&self) -> UnixMillis {
        self.clock.read().now
    }

    fn hashes(&self) -> u64 {
        let hashed = self.server.context().authenticator.work().hashes;
        self.hashed_before + hashed - self.hashed_at_start
    }

    /// Fails repeatedly and waits as demanded, until the account is locked or `most` attempts were
    /// examined.
    async fn fail(&self, guess: Guess<'_>, course: &mut Course, most: u32) -> anyhow::Result<()> {
        while course.examined < most {
            let login = (guess.wrong)(guess.person, self.now());
            let answer = self.ask((guess.from)(course.examined), login).await?;
            match answer.code {
                Code::Locked => break,
                Code::Throttled => {
                    let wait = answer.retry_after_ms.context("the answer has no retry_after_ms")?;
                    course.waits.push((course.examined, wait / 1000));
                    self.clock.advance_ms(i64::try_from(wait)?);
                }
                Code::Denied | Code::TotpMismatch | Code::FaceMismatch => course.examined += 1,
                _ => bail!("a wrong attempt was answered {answer:?}"),
            }
        }
        Ok(())
    }

    /// True if a login with correct factors succeeds from here.
    async fn is_accepted(&self, from: Ipv4Addr, person: &Persona) -> anyhow::Result<bool> {
        let answer = self.ask(from, person.login(self.now())).await?;
        ensure!(
            answer.is_ok() || answer.code == Code::Locked,
            "neither accepted nor locked: {answer:?}"
        );
        Ok(answer.is_ok())
    }

    async fn ask(&self, from: Ipv4Addr, login: Login) -> anyhow::Result<Answer> {
        let mut peer = Caller::new(self.server.address()).open(from).await?;
        Ok(peer.ask(Command::Login(login).to_json().expose()).await?)
    }
}
