//! A world in which the truth is known: four servers that say what they are told to say, a system
//! clock that jumps when asked, and the [`Trust`] that has to cope.

mod invariant;
mod matrix;

use crate::{
    clock::State,
    event::Event,
    sample::{Loss, Round, Sample},
    settings::{Floor, Profile, Settings},
    trust::Trust,
    wall::{BootMillis, Moment},
};
use fourauth_protocol::time::UnixMillis;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// 2026-03-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_772_323_200_000);

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

/// A server that has run for a day, its surroundings, and the truth.
struct World {
    trust: Trust,
    boot: BootMillis,
    truth: UnixMillis,
    wall: UnixMillis,
}

impl World {
    /// A start with the system clock ahead of the truth by `wall_ahead`.
    fn starting(profile: Profile, wall_ahead: i64) -> Self {
        let floor = Floor {
            last_audit: Some(START.saturating_add_ms(-HOUR)),
            built: START.saturating_add_ms(-30 * DAY),
        };
        let servers = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let settings = Settings { servers, profile, floor };
        let boot = BootMillis(5 * DAY);
        let wall = START.saturating_add_ms(wall_ahead);
        let trust = Trust::new(settings, Moment { boot, wall });
        Self { trust, boot, truth: START, wall }
    }

    /// A start that went well.
    fn synced(profile: Profile) -> Self {
        let mut world = Self::starting(profile, 0);
        world.hear(ALL_HONEST);
        assert_eq!(world.state(), State::Synced);
        world
    }

    fn now(&self) -> Moment {
        Moment { boot: self.boot, wall: self.wall }
    }

    fn state(&self) -> State {
        self.trust.reading(self.now()).state
    }

    /// How far what readers are told is from the truth, in milliseconds.
    fn error(&self) -> i64 {
        self.trust.reading(self.now()).now.millis_since(self.truth).abs()
    }

    fn pass(&mut self, millis: i64) -> Vec<Event> {
        self.boot = self.boot.saturating_add_ms(millis);
        self.truth = self.truth.saturating_add_ms(millis);
        self.wall = self.wall.saturating_add_ms(millis);
        self.trust.tick(self.now())
    }

    fn set_wall(&mut self, ahead: i64) -> Vec<Event> {
        self.wall = self.truth.saturating_add_ms(ahead);
        self.trust.tick(self.now())
    }

    fn hear(&mut self, says: [Says; 4]) -> Vec<Event> {
        let sample = |ahead: i64| Sample {
            at: self.boot,
            utc: self.truth.saturating_add_ms(ahead),
            reach_ms: 25,
            offset_ms: ahead,
            round_trip_ms: 28,
        };
        let round: Round = (-2..)
            .zip(says)
            .map(|(noise, says)| match says {
                Says::Truth => Ok(sample(noise)),
                Says::Ahead(by) => Ok(sample(noise + by)),
                Says::Lost(loss) => Err(loss),
            })
            .collect();
        self.trust.observe(&round, self.now())
    }

    fn accept(&mut self) {
        self.trust.accept(self.now());
    }
}
