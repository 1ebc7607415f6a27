//! Every situation of the threat model, and the expected state under each profile.

use super::{
    ALL_HONEST, ALL_SILENT, DAY, HOUR, SECOND,
    Says::{Ahead, Lost, Truth},
    Start, World,
};
use crate::{
    clock::State::{self, Denied, Holdover, Local, Synced},
    sample::Loss,
};

const MINUTE: i64 = 60 * SECOND;
const YEAR: i64 = 365 * DAY;

/// One situation.
pub(super) struct Situation {
    pub(super) name: &'static str,
    /// True if servers or the system clock lie.
    pub(super) lies: bool,
    /// Expected states at the end under `secure` and `strict`.
    pub(super) ends: [State; 2],
    /// True if the situation deceives `secure`, as documented.
    pub(super) concedes: bool,
    pub(super) play: fn(Start) -> World,
}

/// A situation without lies.
const fn honest(name: &'static str, ends: [State; 2], play: fn(Start) -> World) -> Situation {
    Situation { name, lies: false, ends, concedes: false, play }
}

/// A situation with lies that deceive neither profile.
const fn lie(name: &'static str, ends: [State; 2], play: fn(Start) -> World) -> Situation {
    Situation { name, lies: true, ends, concedes: false, play }
}

/// A situation with lies that deceive `secure`.
const fn conceded(name: &'static str, ends: [State; 2], play: fn(Start) -> World) -> Situation {
    Situation { name, lies: true, ends, concedes: true, play }
}

/// After a successful start, the servers answer `says` once, then after each wait in `again`.
fn after_sync(start: Start, says: [super::Says; 4], again: &[i64]) -> World {
    let mut world = start.synced();
    world.hear(says);
    for wait in again {
        world.pass(*wait);
        world.hear(says);
    }
    world
}

/// At the first start, the servers answer `says` four times.
fn at_start(start: Start, says: [super::Says; 4]) -> World {
    let mut world = start.with_wall(0);
    for _ in 0..4 {
        world.hear(says);
        world.pass(64 * SECOND);
    }
    world
}

/// The system clock of a running server is moved, and its time servers become silent.
fn moved_wall(start: Start, ahead: i64) -> World {
    let mut world = start.synced();
    world.set_wall(ahead);
    world.hear(ALL_SILENT);
    world
}

/// As [`moved_wall`], followed by a restart.
fn moved_wall_and_restart(start: Start, ahead: i64) -> World {
    let mut world = moved_wall(start, ahead);
    world.restart();
    world.hear(ALL_SILENT);
    world
}

/// The first `N` servers give no usable answer, for every kind of loss.
fn dropped<const N: usize>(start: Start) -> World {
    let losses = [
        Loss::RateLimited,
        Loss::KissOfDeath,
        Loss::Malformed,
        Loss::Unsynchronised,
        Loss::RoundTrip,
        Loss::ClockMoved,
        Loss::NoAnswer,
        Loss::Unresolved,
    ];
    let mut world = start.synced();
    for loss in losses {
        let mut says = ALL_HONEST;
        says[..N].fill(Lost(loss));
        world.hear(says);
        world.pass(64 * SECOND);
        world.hear(says);
    }
    world
}

fn leap(start: Start, by: i64) -> World {
    after_sync(start, [Ahead(by); 4], &[64 * SECOND])
}

/// The table.
pub(super) const SITUATIONS: &[Situation] = &[
    honest("four honest servers", [Synced; 2], |start| at_start(start, ALL_HONEST)),
    lie("one of four lies, +1 h", [Synced; 2], |start| {
        at_start(start, [Truth, Truth, Ahead(HOUR), Truth])
    }),
    lie("one of four lies, -1 year", [Synced; 2], |start| {
        at_start(start, [Truth, Truth, Ahead(-YEAR), Truth])
    }),
    lie("two of four lie the same way, +1 h", [Holdover; 2], |start| {
        after_sync(start, [Truth, Truth, Ahead(HOUR), Ahead(HOUR)], &[MINUTE, MINUTE])
    }),
    lie("two of four lie at the first start, +1 h", [Local, Denied], |start| {
        at_start(start, [Truth, Truth, Ahead(HOUR), Ahead(HOUR)])
    }),
    lie("all lie after a good start, +1 h, for less than a minute", [Holdover, Denied], |start| {
        after_sync(start, [Ahead(HOUR); 4], &[59 * SECOND])
    }),
    conceded("all lie after a good start, +1 h, repeatedly", [Synced, Denied], |start| {
        after_sync(start, [Ahead(HOUR); 4], &[64 * SECOND, 64 * SECOND])
    }),
    lie("all lie after a good start, -1 h, repeatedly", [Holdover, Denied], |start| {
        after_sync(start, [Ahead(-HOUR); 4], &[64 * SECOND; 5])
    }),
    lie("all lie after a month, -2 d, repeatedly", [Holdover, Denied], |start| {
        let mut world = start.synced();
        for _ in 0..30 {
            world.pass(DAY);
            world.hear(ALL_HONEST);
        }
        for _ in 0..5 {
            world.pass(64 * SECOND);
            world.hear([Ahead(-2 * DAY); 4]);
        }
        world
    }),
    conceded("all lie, the system clock follows, and a restart", [Synced, Denied], |start| {
        let mut world = after_sync(start, [Ahead(HOUR); 4], &[]);
        world.set_wall(HOUR);
        world.restart();
        world.hear([Ahead(HOUR); 4]);
        world
    }),
    lie("all lie at the first start, -1 year", [Local, Denied], |start| {
        at_start(start, [Ahead(-YEAR); 4])
    }),
    lie("all lie at the first start, +2 d", [Local, Denied], |start| {
        at_start(start, [Ahead(2 * DAY); 4])
    }),
    conceded("all lie at the first start, +1 h", [Synced, Denied], |start| {
        at_start(start, [Ahead(HOUR); 4])
    }),
    honest("one sample of four is dropped", [Synced; 2], dropped::<1>),
    honest("two samples of four are dropped", [Holdover; 2], dropped::<2>),
    honest("no server answers at the start", [Local, Denied], |start| at_start(start, ALL_SILENT)),
    lie("the system clock moves under a running server, -1 h", [Holdover; 2], |start| {
        moved_wall(start, -HOUR)
    }),
    lie("the system clock moves under a running server, -2 d", [Holdover; 2], |start| {
        moved_wall(start, -2 * DAY)
    }),
    lie("the system clock moves under a running server, +2 d", [Holdover; 2], |start| {
        moved_wall(start, 2 * DAY)
    }),
    lie("the system clock moves under an offline host, -2 d", [Local, Denied], |start| {
        let mut world = at_start(start, ALL_SILENT);
        world.set_wall(-2 * DAY);
        world.hear(ALL_SILENT);
        world
    }),
    lie("the system clock moves and a restart, -1 h", [Denied; 2], |start| {
        moved_wall_and_restart(start, -HOUR)
    }),
    lie("the system clock moves and a restart, -2 d", [Denied; 2], |start| {
        moved_wall_and_restart(start, -2 * DAY)
    }),
    conceded("the system clock moves and a restart, +2 d", [Local, Denied], |start| {
        moved_wall_and_restart(start, 2 * DAY)
    }),
    honest("a suspend of eight hours", [Holdover; 2], |start| {
        let mut world = start.synced();
        world.pass(8 * HOUR);
        world
    }),
    honest("a suspend of eight hours and a round", [Synced; 2], |start| {
        let mut world = start.synced();
        world.pass(8 * HOUR);
        world.hear(ALL_HONEST);
        world
    }),
    honest("a leap second is inserted", [Synced; 2], |start| leap(start, -SECOND)),
    honest("a leap second is deleted", [Synced; 2], |start| leap(start, SECOND)),
];
