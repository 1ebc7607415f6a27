//! A world in which the truth is known: four servers that say what they are told to say, a system
//! clock that jumps when asked, a database that remembers, and the `Trust` that has to cope.
//!
//! `table` has a row for every situation of the threat model; [`assurance`] plays them all, and plays
//! them to clocks that believe what they are told, which is the control. Only for tests and for the
//! command that prints the figures: the feature `simulation` is off in a server.

mod assurance;
#[cfg(test)]
mod invariant;
#[cfg(test)]
mod matrix;
mod naive;
#[cfg(test)]
mod operator;
mod table;

pub use assurance::{Assurance, assurance};

use crate::{
    clock::State,
    event::Event,
    sample::{Loss, Round, Sample},
    settings::{Past, Profile, Settings},
    trust::Trust,
    wall::{BootMillis, Moment},
};
use fourauth_protocol::time::UnixMillis;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// 2026-03-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_772_323_200_000);

/// How far a time must be off to let in what is out of date, in milliseconds: the documented bound
/// for clients.
const DECEIVED_MS: i64 = 120_000;

/// What a simulated server says.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// The truth, within a few milliseconds.
    Truth,
    /// A time that is ahead of it, in milliseconds.
    Ahead(i64),
    /// Nothing that counts.
    Lost(Loss),
}

const ALL_HONEST: [Says; 4] = [Says::Truth; 4];
const ALL_SILENT: [Says; 4] = [Says::Lost(Loss::NoAnswer); 4];

/// What may differ while a situation stays what it is.
#[derive(Debug, Clone, Copy)]
struct Start {
    profile: Profile,
    /// Which of the servers is which, and how far each honest one is off. 0 leaves them in order.
    seed: u64,
}

/// A machine, its surroundings, and the truth.
#[derive(Debug)]
struct World {
    start: Start,
    trust: Trust,
    /// What the database would tell the next start.
    past: Past,
    boot: BootMillis,
    truth: UnixMillis,
    wall: UnixMillis,
    deceived: Deceived,
}

/// How often a clock was off by more than anybody's clock may be, and let decide.
#[derive(Debug, Clone, Copy, Default)]
struct Deceived {
    ours: u32,
    first_answer: u32,
    mean: u32,
}

impl Start {
    /// A start with the system clock ahead of the truth by `wall_ahead`, an hour after the last.
    fn with_wall(self, wall_ahead: i64) -> World {
        let past = Past {
            vouched: Some(START.saturating_add_ms(-HOUR)),
            ..Past::none(START.saturating_add_ms(-30 * DAY))
        };
        let boot = BootMillis(5 * DAY);
        let wall = START.saturating_add_ms(wall_ahead);
        let trust = Trust::new(settings(self.profile, past), Moment { boot, wall });
        let deceived = Deceived::default();
        World { start: self, trust, past, boot, truth: START, wall, deceived }
    }

    /// A start that went well, a minute ago.
    fn synced(self) -> World {
        let mut world = self.with_wall(0);
        world.hear(ALL_HONEST);
        world.pass(64 * SECOND);
        world
    }

    /// How far server `index` is from the truth in its next answer, in milliseconds.
    const fn noise(self, index: i64) -> i64 {
        index - 2 + (self.seed.wrapping_mul(31) % 17).cast_signed()
    }

    /// The servers in the order of this seed.
    fn shuffled(self, mut says: [Says; 4]) -> [Says; 4] {
        let [turn, swap] =
            [self.seed % 4, self.seed / 4 % 4].map(|n| usize::try_from(n).unwrap_or(0));
        says.rotate_left(turn);
        says.swap(0, swap);
        says
    }
}

fn settings(profile: Profile, past: Past) -> Settings {
    Settings { servers: ["a", "b", "c", "d"].map(str::to_owned).to_vec(), profile, past }
}

impl World {
    fn now(&self) -> Moment {
        Moment { boot: self.boot, wall: self.wall }
    }

    fn state(&self) -> State {
        self.trust.reading(self.now()).state
    }

    fn pass(&mut self, millis: i64) -> Vec<Event> {
        self.boot = self.boot.saturating_add_ms(millis);
        self.truth = self.truth.saturating_add_ms(millis);
        self.wall = self.wall.saturating_add_ms(millis);
        self.tick()
    }

    fn set_wall(&mut self, ahead: i64) -> Vec<Event> {
        self.wall = self.truth.saturating_add_ms(ahead);
        self.tick()
    }

    fn tick(&mut self) -> Vec<Event> {
        let events = self.trust.tick(self.now());
        self.look();
        events
    }

    fn hear(&mut self, says: [Says; 4]) -> Vec<Event> {
        let sample = |ahead: i64| Sample {
            at: self.boot,
            utc: self.truth.saturating_add_ms(ahead),
            reach_ms: 25,
            offset_ms: ahead,
            round_trip_ms: 28,
        };
        let round: Round = (0..)
            .zip(self.start.shuffled(says))
            .map(|(index, says)| match says {
                Says::Truth => Ok(sample(self.start.noise(index))),
                Says::Ahead(by) => Ok(sample(self.start.noise(index) + by)),
                Says::Lost(loss) => Err(loss),
            })
            .collect();
        let events = self.trust.observe(&round, self.now());
        self.deceived.first_answer += self.is_off(naive::first_answer(&round, self.wall));
        self.deceived.mean += self.is_off(naive::mean(&round, self.wall));
        self.look();
        events
    }

    /// The process ends and starts again on a machine that has been booted.
    fn restart(&mut self) {
        self.boot = BootMillis(20 * SECOND);
        self.trust = Trust::new(settings(self.start.profile, self.past), self.now());
        self.look();
    }

    /// Notes what the database would be told, and whether the time deceives anybody.
    fn look(&mut self) {
        let status = self.trust.status(self.now());
        self.past.barred = status.barred;
        self.past.vouched = status.vouched.or(self.past.vouched);
        if status.reading.state != State::Denied {
            self.deceived.ours += self.is_off(status.reading.now);
        }
    }

    fn is_off(&self, now: UnixMillis) -> u32 {
        u32::from(now.millis_since(self.truth).saturating_abs() > DECEIVED_MS)
    }
}
