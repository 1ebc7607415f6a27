//! The time in every known situation, one test each.
//!
//! A login is possible in every state except `Denied`.

use super::{
    ALL_HONEST, ALL_SILENT, DAY, HOUR, SECOND,
    Says::{Ahead, Lost, Truth},
    Start, World,
};
use crate::{
    clock::State::{Denied, Holdover, Local, Synced},
    event::{Event, Refusal},
    sample::Loss,
    settings::Profile::{self, Secure, Strict},
    status::Verdict,
};

const MINUTE: i64 = 60 * SECOND;
const YEAR: i64 = 365 * DAY;

impl World {
    /// A start with the system clock `wall_ahead` ahead of the true time.
    fn starting(profile: Profile, wall_ahead: i64) -> Self {
        Start { profile, seed: 0 }.with_wall(wall_ahead)
    }

    /// Error of the reading, in milliseconds.
    pub(super) fn error(&self) -> i64 {
        self.trust.reading(self.now()).now.millis_since(self.truth).abs()
    }

    /// A successful start.
    fn synced(profile: Profile) -> Self {
        let mut world = Self::starting(profile, 0);
        world.hear(ALL_HONEST);
        assert_eq!(world.state(), Synced);
        world
    }
}

fn refusal(events: &[Event]) -> Option<Refusal> {
    events.iter().find_map(|event| match event {
        Event::StepRefused { why, .. } => Some(*why),
        _ => None,
    })
}

#[test]
fn the_time_of_four_honest_servers_is_accepted() {
    for profile in [Secure, Strict] {
        let world = World::synced(profile);
        assert!(world.error() <= 25);
    }
}

#[test]
fn one_liar_of_four_is_outvoted_and_reported_once() {
    for profile in [Secure, Strict] {
        for lie in [HOUR, -YEAR] {
            let mut world = World::starting(profile, 0);
            let events = world.hear([Truth, Truth, Ahead(lie), Truth]);

            let liar =
                |event: &&Event| matches!(event, Event::Liar { server, .. } if server == "c");
            assert_eq!(events.iter().filter(liar).count(), 1, "{events:?}");
            assert_eq!(world.state(), Synced);
            assert!(world.error() <= 25);
            assert_eq!(world.trust.status(world.now()).servers[2].verdict, Verdict::Lies);

            world.pass(64 * SECOND);
            assert_eq!(world.hear([Truth, Truth, Ahead(lie), Truth]), []);
        }
    }
}

#[test]
fn two_liars_of_four_cause_holdover_and_an_alarm() {
    for profile in [Secure, Strict] {
        let mut world = World::synced(profile);
        world.pass(64 * SECOND);
        let events = world.hear([Truth, Truth, Ahead(HOUR), Ahead(HOUR)]);

        assert!(events.contains(&Event::QuorumLost { answered: 4, needed: 3 }));
        assert_eq!(world.state(), Holdover);
        assert!(world.error() <= 40);
    }
}

#[test]
fn secure_accepts_a_step_only_after_a_confirmation() {
    let mut world = World::synced(Secure);
    world.pass(64 * SECOND);
    let events = world.hear([Ahead(HOUR); 4]);
    assert_eq!(refusal(&events), Some(Refusal::Unconfirmed));
    assert_eq!(world.state(), Holdover);
    assert!(world.error() <= 40);

    world.pass(59 * SECOND);
    world.hear([Ahead(HOUR); 4]);
    assert!(world.error() <= 60, "not confirmed within a minute");

    world.pass(SECOND);
    let events = world.hear([Ahead(HOUR); 4]);
    assert!(events.iter().any(|event| matches!(event, Event::Stepped { by_operator: false, .. })));
    assert!((world.error() - HOUR).abs() <= 60);
}

#[test]
fn a_lie_that_is_not_repeated_has_no_effect() {
    for second in [[Ahead(2 * HOUR); 4], ALL_HONEST, ALL_SILENT] {
        let mut world = World::synced(Secure);
        world.pass(64 * SECOND);
        world.hear([Ahead(HOUR); 4]);
        world.pass(64 * SECOND);
        world.hear(second);
        assert!(world.error() <= 60, "after {second:?}");
    }
}

#[test]
fn a_time_below_the_floor_is_never_confirmed() {
    let mut world = World::synced(Secure);
    for _ in 0..5 {
        world.pass(64 * SECOND);
        world.hear([Ahead(-YEAR); 4]);
        assert_eq!(world.state(), Holdover);
        assert!(world.error() <= 200);
    }
}

#[test]
fn strict_waits_for_an_operator_after_a_refused_step() {
    for lie in [HOUR, -YEAR] {
        let mut world = World::synced(Strict);
        world.pass(64 * SECOND);
        let events = world.hear([Ahead(lie); 4]);
        assert_eq!(refusal(&events), Some(Refusal::NeedsOperator));

        for says in [[Ahead(lie); 4], [Ahead(lie); 4], ALL_HONEST, ALL_SILENT] {
            world.pass(64 * SECOND);
            world.hear(says);
            assert_eq!(world.state(), Denied);
        }
    }
}

#[test]
fn an_operator_may_accept_a_time_below_the_floor() {
    let mut world = World::synced(Strict);
    world.pass(64 * SECOND);
    world.hear([Ahead(-DAY); 4]);

    world.accept().unwrap();

    assert_eq!(world.state(), Synced);
    assert!((world.error() - DAY).abs() <= 40);
    world.pass(64 * SECOND);
    world.hear([Ahead(-DAY); 4]);
    assert_eq!(world.state(), Synced);
}

#[test]
fn an_operator_ends_the_wait_after_the_servers_recovered() {
    let mut world = World::synced(Strict);
    world.hear([Ahead(HOUR); 4]);
    world.pass(64 * SECOND);
    world.hear(ALL_HONEST);

    world.accept().unwrap();

    assert_eq!(world.state(), Synced);
    assert!(world.error() <= 40);
}

#[test]
fn at_the_first_start_only_a_plausible_time_is_accepted() {
    let cases = [
        (Secure, 4 * MINUTE, None, Synced),
        (Secure, -2 * HOUR, Some(Refusal::BelowFloor), Local),
        (Secure, 2 * DAY, Some(Refusal::FarFromSystemClock), Local),
        (Strict, HOUR, Some(Refusal::FarFromSystemClock), Denied),
        (Strict, -YEAR, Some(Refusal::BelowFloor), Denied),
    ];
    for (profile, lie, why, state) in cases {
        let mut world = World::starting(profile, 0);
        let events = world.hear([Ahead(lie); 4]);
        assert_eq!((refusal(&events), world.state()), (why, state), "{profile:?} {lie}");

        for _ in 0..3 {
            world.pass(64 * SECOND);
            world.hear([Ahead(lie); 4]);
            assert_eq!(world.state(), state, "a repeated lie changes nothing");
        }
    }
}

#[test]
fn a_dropped_sample_has_no_effect_while_three_remain() {
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
    for profile in [Secure, Strict] {
        for loss in losses {
            let mut world = World::starting(profile, 0);
            world.hear([Truth, Lost(loss), Truth, Truth]);
            assert_eq!(world.state(), Synced);

            world.hear([Truth, Lost(loss), Lost(loss), Truth]);
            assert_eq!(world.state(), Holdover);
        }
    }
}

#[test]
fn an_offline_host_uses_its_system_clock_in_state_local() {
    for (profile, state) in [(Secure, Local), (Strict, Denied)] {
        let mut world = World::starting(profile, 0);
        assert_eq!(world.state(), state, "before the first round");

        let events = world.hear(ALL_SILENT);
        assert!(events.contains(&Event::QuorumLost { answered: 0, needed: 3 }));
        assert_eq!(world.state(), state);
    }
}

#[test]
fn moving_the_system_clock_does_not_move_the_time() {
    for profile in [Secure, Strict] {
        for jump in [-HOUR, -2 * DAY, 2 * DAY] {
            let mut world = World::synced(profile);
            let events = world.set_wall(jump);

            assert!(events.iter().any(|event| matches!(event, Event::SystemClockOff { .. })));
            assert_eq!(world.state(), Synced);
            assert!(world.error() <= 25);
            assert_eq!(world.set_wall(jump), [], "the alarm is raised once");
        }
    }
}

#[test]
fn moving_the_system_clock_does_not_move_an_offline_host() {
    for jump in [-HOUR, -2 * DAY, 2 * DAY] {
        let mut world = World::starting(Secure, 0);
        let events = world.set_wall(jump);

        assert!(events.iter().any(|event| matches!(event, Event::SystemClockOff { .. })));
        assert_eq!(world.state(), Local);
        assert_eq!(world.error(), 0);
    }
}

#[test]
fn a_system_clock_below_the_floor_denies_until_it_is_set() {
    for (profile, state) in [(Secure, Local), (Strict, Denied)] {
        let mut world = World::starting(profile, -2 * DAY);
        assert_eq!(world.state(), Denied);

        world.set_wall(0);
        assert_eq!(world.state(), state);
    }
}

#[test]
fn an_operator_may_correct_an_offline_host() {
    let mut world = World::starting(Secure, 30 * MINUTE);
    world.set_wall(0);
    assert_eq!(world.error(), 30 * MINUTE);

    world.accept().unwrap();

    assert_eq!((world.error(), world.state()), (0, Local));
}

#[test]
fn a_suspend_of_eight_hours_means_holdover_until_a_round() {
    for profile in [Secure, Strict] {
        let mut world = World::synced(profile);
        world.pass(8 * HOUR);
        assert_eq!(world.state(), Holdover);
        assert!(world.error() <= 25);

        world.hear(ALL_HONEST);
        assert_eq!(world.state(), Synced);
    }
}

#[test]
fn a_leap_second_is_followed_after_a_minute_without_denial() {
    for profile in [Secure, Strict] {
        for leap in [SECOND, -SECOND] {
            let mut world = World::synced(profile);
            for (state, within) in [(Holdover, 1_100), (Synced, 60)] {
                world.pass(64 * SECOND);
                world.hear([Ahead(leap); 4]);
                assert_eq!(world.state(), state);
                let off = world.trust.reading(world.now()).now.millis_since(world.truth) - leap;
                assert!(off.abs() <= within, "{off} ms");
            }
        }
    }
}

#[test]
fn holdover_lasts_a_day_and_then_ends_as_local_or_denied() {
    for (profile, state) in [(Secure, Local), (Strict, Denied)] {
        let mut world = World::synced(profile);
        world.hear(ALL_SILENT);
        world.pass(27 * HOUR);
        assert_eq!(world.state(), Holdover);

        let events = world.pass(HOUR);
        assert_eq!(events, [Event::StateChanged { from: Holdover, to: state }]);
        assert!(world.error() <= 25, "the time is still counted from the last quorum");

        world.hear(ALL_HONEST);
        assert_eq!(world.state(), Synced);
    }
}

#[test]
fn a_first_time_that_is_minutes_off_needs_a_confirmation() {
    for lie in [6 * MINUTE, HOUR, -HOUR] {
        let mut world = World::starting(Secure, 0);
        let events = world.hear([Ahead(lie); 4]);
        assert_eq!((refusal(&events), world.state()), (Some(Refusal::Unconfirmed), Local));
        world.pass(64 * SECOND);
        // A lie that is not repeated has no effect.
        let mut other = World::starting(Secure, 0);
        other.hear([Ahead(lie); 4]);
        other.pass(64 * SECOND);
        other.hear(ALL_HONEST);
        assert_eq!(other.state(), Synced);
        assert!(other.error() <= 25);

        let events = world.hear([Ahead(lie); 4]);
        let stepped = |event: &_| matches!(event, Event::Stepped { by_operator: false, .. });
        assert!(events.iter().any(stepped), "{events:?}");
        assert_eq!(world.state(), Synced);
    }
}

#[test]
fn a_time_that_moved_far_sets_no_floor_until_it_has_held() {
    let mut world = World::starting(Secure, 0);
    let before = world.past.vouched;
    let hear = |world: &mut World, says, minutes: i64| {
        for _ in 0..minutes {
            world.hear(says);
            world.pass(MINUTE);
        }
    };
    hear(&mut world, [Ahead(3 * HOUR); 4], 50);
    assert!((world.error() - 3 * HOUR).abs() <= 1000);
    assert_eq!(world.past.vouched, before);
    // The true time is earlier, and still accepted.
    hear(&mut world, ALL_HONEST, 50);
    assert_eq!(world.state(), Synced);
    assert!(world.error() <= 100);
    assert_eq!(world.past.vouched, before);
    hear(&mut world, ALL_HONEST, 20);
    assert!(world.past.vouched > before, "it has held for an hour");
    // Control: a lie that held for an hour counts.
    hear(&mut world, [Ahead(3 * HOUR); 4], 70);
    hear(&mut world, ALL_HONEST, 70);
    assert!(world.error() > 2 * HOUR);
}

/// Negative control: without an honest majority, a lie of less than a day is accepted if it is
/// repeated.
#[test]
fn a_quorum_of_liars_deceives_a_first_start() {
    let mut world = World::starting(Secure, 0);
    for _ in 0..2 {
        world.pass(64 * SECOND);
        world.hear([Ahead(HOUR), Ahead(HOUR), Ahead(HOUR), Truth]);
    }
    assert_eq!(world.state(), Synced);
    assert!((world.error() - HOUR).abs() <= 25);
}
