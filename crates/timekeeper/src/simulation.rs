//! A simulation with known true time: four scripted servers, a system clock that can jump, the
//! recorded past, and the `Trust` under test.
//!
//! `table` has a row for every situation of the threat model. [`assurance`] runs them all, also
//! against naive clocks as a control. Only tests and the assurance command use this module: the
//! feature `simulation` is off in a server.

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

/// Error from which a time can let outdated codes pass, in milliseconds: the documented bound for
/// clients.
const DECEIVED_MS: i64 = 120_000;

/// The answer of a simulated server.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// The true time, within a few milliseconds.
    Truth,
    /// A time ahead of the true time, in milliseconds.
    Ahead(i64),
    /// No usable answer.
    Lost(Loss),
}

const ALL_HONEST: [Says; 4] = [Says::Truth; 4];
const ALL_SILENT: [Says; 4] = [Says::Lost(Loss::NoAnswer); 4];

/// The parameters with which a situation is run.
#[derive(Debug, Clone, Copy)]
struct Start {
    profile: Profile,
    /// Permutes the servers and sets the errors of the honest ones. 0 leaves them in order.
    seed: u64,
}

/// A machine, its time servers, and the true time.
#[derive(Debug)]
struct World {
    start: Start,
    trust: Trust,
    /// The recorded past for the next start.
    past: Past,
    boot: BootMillis,
    truth: UnixMillis,
    wall: UnixMillis,
    deceived: Deceived,
}

/// Number of times that a usable clock was off by more than [`DECEIVED_MS`].
#[derive(Debug, Clone, Copy, Default)]
struct Deceived {
    ours: u32,
    first_answer: u32,
    mean: u32,
}

impl Start {
    /// A start an hour after the last run, with the system clock `wall_ahead` ahead of the truth.
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

    /// A successful start, 64 s ago.
    fn synced(self) -> World {
        let mut world = self.with_wall(0);
        world.hear(ALL_HONEST);
        world.pass(64 * SECOND);
        world
    }

    /// Error of the next answer of honest server `index`, in milliseconds.
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

    /// Restarts the process after a reboot of the machine.
    fn restart(&mut self) {
        self.boot = BootMillis(20 * SECOND);
        self.trust = Trust::new(settings(self.start.profile, self.past), self.now());
        self.look();
    }

    /// Records the past, and counts a usable time that is off.
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
