//! G-15: an account forgives a hundred guesses, however long they take and wherever they come from.
//!
//! The clock is set forward by what the server asks to wait, so that fifteen hours pass in seconds.
//! Every stranger calls from a host of their own, which gains nothing. Hosts are not turned away
//! here, as this machine is exempt from that: what is seen is what each account itself allows.

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
};
use fourauth_timekeeper::{Clock as _, ManualClock};
use std::{net::Ipv4Addr, sync::Arc};
use tempfile::TempDir;

/// From one code to one that was not valid with it, in milliseconds: a code that was used is used up.
const TWO_STEPS_MS: i64 = 60_000;

/// How much longer than they are allowed to people go on.
const PERSISTENCE: u32 = 2;

/// How often somebody may be wrong: the numbers of the threat model.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    strangers: u32,
    acquaintances: u32,
    faces_of_strangers: u32,
    faces_of_acquaintances: u32,
    faces_at_once: u32,
    codes_in_a_minute: u32,
}

/// A way to be wrong.
#[derive(Clone, Copy)]
struct Guess<'a> {
    who: &'a Persona,
    wrong: fn(&Persona, UnixMillis) -> Login,
    /// Where the attempt of this number comes from.
    from: fn(u32) -> Ipv4Addr,
}

/// What somebody who goes on being wrong is told.
#[derive(Debug, Default)]
struct Course {
    /// Attempts that were looked at.
    examined: u32,
    /// After so many of them, so many seconds to wait.
    waits: Vec<(u32, u64)>,
}

/// A server that can be stopped and started again on what it has kept.
struct House {
    server: Server,
    clock: Arc<ManualClock>,
    config: Config,
    folder: TempDir,
    /// Passwords that were hashed for others before the server was started last.
    hashed_before: u64,
    /// What it then hashed for itself.
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
        ensure!(house.is_let_in(home(0), person).await?, "nobody is known anywhere");
    }
    house.clock.advance_ms(TWO_STEPS_MS);

    let mut figures = Figures::default();
    setup.say("wrong codes");
    codes(&house, &carol, &allowed, &mut figures).await?;
    setup.say("wrong faces");
    faces(&house, &bob, &allowed, &mut figures).await?;
    setup.say("wrong passwords");
    let (house, strangers) = passwords(house, &alice, &allowed, &mut figures).await?;
    setup.say("an unknown name");
    let nobody = Persona { username: Username::parse("nobody")?, ..alice };
    unknown_name(&house, &nobody, &strangers, &allowed, &mut figures).await?;
    house.server.stop().await;
    Ok(figures)
}

/// Strangers first, then somebody from a device that is known, with a restart in the midst of each
/// and after both.
async fn passwords(
    house: House,
    alice: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<(House, Course)> {
    let guess = Guess { who: alice, wrong: wrong_password, from: host };
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
    let mut let_in = 0;
    for from in [host(0), home(0)] {
        house.clock.advance_ms(TWO_STEPS_MS);
        let_in += u32::from(house.is_let_in(from, alice).await?);
    }
    figures.exactly("let_in_after_a_restart_with_everything_right", let_in, 0);
    Ok((house, strangers))
}

/// Whether there is such an account does not show in any of this.
async fn unknown_name(
    house: &House,
    nobody: &Persona,
    strangers: &Course,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { who: nobody, wrong: wrong_password, from: host };
    let mut course = Course::default();
    house.fail(guess, &mut course, allowed.strangers + PERSISTENCE).await?;
    figures.exactly("unknown_name_examined", course.examined, allowed.strangers);
    figures.exactly("unknown_name_waits_that_differ", course.differs(&strangers.waits), 0);
    Ok(())
}

/// From strangers until theirs are not looked at any more, then from a device that is known.
async fn faces(
    house: &House,
    bob: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { who: bob, wrong: wrong_face, from: host };
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

/// All in the first second of a minute, and one more in the next.
async fn codes(
    house: &House,
    carol: &Persona,
    allowed: &Allowed,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let guess = Guess { who: carol, wrong: wrong_code, from: home };
    let mut course = Course::default();
    house.fail(guess, &mut course, allowed.codes_in_a_minute + 1).await?;
    let at_once = course.waits.first().map_or(course.examined, |(after, _)| *after);
    figures.exactly("codes_examined_in_a_minute", at_once, allowed.codes_in_a_minute);
    let expected = [(allowed.codes_in_a_minute, 60)];
    figures.exactly("code_waits_that_differ", course.differs(&expected), 0);
    Ok(())
}

/// One second after the first, then twice as many after each, and never more than a quarter of an
/// hour; after the last there is none.
fn doublings(failures: u32) -> Vec<(u32, u64)> {
    let seconds = |after: u32| 1_u64.checked_shl(after - 1).map_or(900, |wait| wait.min(900));
    (1..failures).map(|after| (after, seconds(after))).collect()
}

fn wrong_password(who: &Persona, now: UnixMillis) -> Login {
    Login { password: Secret::new("violet-Ox-43".into()), face: None, ..who.login(now) }
}

fn wrong_face(who: &Persona, now: UnixMillis) -> Login {
    Login { face: Some(picture("biden.jpg")), ..who.login(now) }
}

fn wrong_code(who: &Persona, now: UnixMillis) -> Login {
    Login { totp: Some(who.wrong_code(now)), ..who.login(now) }
}

/// Where everybody is known.
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
    /// How many waits are not where, or not as long as, they should be.
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

    /// Is wrong again and again, and waits when told to, until there is no more waiting for it or
    /// `most` attempts were looked at.
    async fn fail(&self, guess: Guess<'_>, course: &mut Course, most: u32) -> anyhow::Result<()> {
        while course.examined < most {
            let login = (guess.wrong)(guess.who, self.now());
            let answer = self.ask((guess.from)(course.examined), login).await?;
            match answer.code {
                Code::Locked => break,
                Code::Throttled => {
                    let wait = answer.retry_after_ms.context("wait for how long?")?;
                    course.waits.push((course.examined, wait / 1000));
                    self.clock.advance_ms(i64::try_from(wait)?);
                }
                Code::Denied | Code::TotpMismatch | Code::FaceMismatch => course.examined += 1,
                _ => bail!("a wrong attempt was answered {answer:?}"),
            }
        }
        Ok(())
    }

    /// Whether somebody who does everything right gets in from here.
    async fn is_let_in(&self, from: Ipv4Addr, who: &Persona) -> anyhow::Result<bool> {
        let answer = self.ask(from, who.login(self.now())).await?;
        ensure!(answer.is_ok() || answer.code == Code::Locked, "neither in nor out: {answer:?}");
        Ok(answer.is_ok())
    }

    async fn ask(&self, from: Ipv4Addr, login: Login) -> anyhow::Result<Answer> {
        let mut peer = Caller::new(self.server.address()).open(from).await?;
        Ok(peer.ask(Command::Login(login).to_json().expose()).await?)
    }
}
