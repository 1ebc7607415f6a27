//! Tests of restarts and of offers to an operator.

use super::{
    ALL_HONEST, ALL_SILENT, DAY, HOUR, SECOND,
    Says::{Ahead, Truth},
    Start, World,
};
use crate::{
    clock::State::{Denied, Holdover, Local, Synced},
    event::{Event, NotAccepted},
    settings::{
        Past,
        Profile::{self, Secure, Strict},
    },
};

impl World {
    /// Accepts the current offer.
    pub(super) fn accept(&mut self) -> Result<(), NotAccepted> {
        let offer = self.trust.status(self.now()).offer_ms;
        self.trust.accept(offer.ok_or(NotAccepted::NothingOffered)?, self.now())?;
        self.past.vouched = None;
        self.look();
        Ok(())
    }
}

fn synced(profile: Profile) -> World {
    Start { profile, seed: 0 }.synced()
}

/// A `strict` server that waits for an operator, after all servers lied.
fn barred() -> World {
    let mut world = synced(Strict);
    world.hear([Ahead(10 * SECOND); 4]);
    assert_eq!(world.state(), Denied);
    world
}

#[test]
fn a_restart_does_not_end_the_wait_for_an_operator() {
    let mut world = barred();
    world.set_wall(10 * SECOND); // as if the system clock followed the same servers
    for says in [[Ahead(10 * SECOND); 4], ALL_HONEST, ALL_SILENT] {
        world.restart();
        assert_eq!(world.state(), Denied);
        world.hear(says);
        assert_eq!(world.state(), Denied, "{says:?}");
    }
}

#[test]
fn the_wait_does_not_return_after_a_restart() {
    let mut world = barred();
    world.hear(ALL_HONEST);
    world.accept().unwrap();
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Synced);
}

#[test]
fn running_under_secure_does_not_end_the_wait_of_strict() {
    let mut world = barred();
    world.start.profile = Secure;
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Synced, "secure does not wait for an operator");
    world.start.profile = Strict;
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Denied);
}

#[test]
fn after_a_restart_the_wait_ends_only_after_a_quorum() {
    let mut world = barred();
    world.restart();
    assert_eq!(world.accept(), Err(NotAccepted::NothingOffered));
    world.hear(ALL_HONEST);
    world.accept().unwrap();
    assert_eq!(world.state(), Synced);
}

#[test]
fn the_recorded_time_is_the_floor_of_the_next_start() {
    for profile in [Secure, Strict] {
        for back in [-HOUR, -2 * DAY] {
            let mut world = synced(profile);
            world.set_wall(back);
            assert_eq!(world.state(), Synced, "the system clock has no effect on a running server");
            world.restart();
            assert_eq!(world.state(), Denied);
            world.pass(3 * DAY);
            assert_eq!(world.state(), Denied, "the floor advances as well");
        }
    }
}

#[test]
fn an_operator_may_accept_a_system_clock_below_the_floor() {
    let mut world = Start { profile: Secure, seed: 0 }.with_wall(2 * DAY);
    world.hear(ALL_SILENT);
    world.set_wall(0); // it was wrong before
    world.restart();
    assert_eq!(world.state(), Denied);

    world.accept().unwrap();

    assert_eq!((world.state(), world.error()), (Local, 0));
    world.restart();
    assert_eq!(world.state(), Local, "the next start has the new floor");
}

#[test]
fn a_refused_time_is_not_recorded() {
    let world = barred();
    let before = world.past.vouched;
    let mut later = world;
    later.pass(DAY);
    assert_eq!(later.past.vouched, before);
}

#[test]
fn a_system_clock_in_local_time_is_not_recorded() {
    let mut world = Start { profile: Secure, seed: 0 }.with_wall(10 * HOUR);
    world.pass(SECOND);
    assert_eq!(world.state(), Local);
    assert!(world.past.vouched.unwrap() < world.truth, "before the first round");
    for _ in 0..2 {
        world.hear(ALL_HONEST);
        world.pass(64 * SECOND);
    }
    assert_eq!(world.state(), Synced);
    world.set_wall(0);
    world.restart();
    assert_eq!(world.state(), Local, "not denied");
}

#[test]
fn servers_may_correct_an_earlier_step_but_not_pass_the_floor() {
    let mut world = synced(Secure);
    let mut hear_twice = |says| {
        for _ in 0..2 {
            world.hear(says);
            world.pass(64 * SECOND);
        }
        (world.state(), (world.error() + 60 * SECOND) / HOUR)
    };
    assert_eq!(hear_twice([Ahead(HOUR); 4]), (Synced, 1));
    assert_eq!(hear_twice(ALL_HONEST), (Synced, 0));
    assert_eq!(hear_twice([Ahead(-HOUR); 4]), (Holdover, 0));
}

#[test]
fn an_offer_that_has_changed_is_not_accepted() {
    let mut world = synced(Strict);
    world.hear([Ahead(HOUR); 4]);
    let now = world.now();
    for other in [0, -HOUR, HOUR + 2_100, i64::MIN, i64::MAX] {
        assert_eq!(world.trust.accept(other, now), Err(NotAccepted::OfferChanged), "{other}");
        assert_eq!(world.state(), Denied);
    }
    let accepted = world.trust.accept(HOUR + 1_000, now).unwrap();
    assert!(accepted.iter().any(|event| matches!(event, Event::Stepped { by_operator: true, .. })));
    assert_eq!(world.state(), Synced);
}

#[test]
fn without_a_refused_time_there_is_no_offer() {
    for profile in [Secure, Strict] {
        assert_eq!(synced(profile).accept(), Err(NotAccepted::NothingOffered));
        let mut liar = synced(profile);
        liar.hear([Truth, Ahead(HOUR), Truth, Truth]);
        assert_eq!(liar.accept(), Err(NotAccepted::NothingOffered));
        let mut offline = Start { profile, seed: 0 }.with_wall(0);
        offline.hear(ALL_SILENT);
        assert_eq!(offline.accept(), Err(NotAccepted::NothingOffered));
    }
}

#[test]
fn the_floor_of_a_first_start_is_the_build_date() {
    let past = Past::none(super::START.saturating_add_ms(DAY));
    let world = Start { profile: Secure, seed: 0 }.with_wall(0);
    let trust = crate::trust::Trust::new(super::settings(Secure, past), world.now());
    assert_eq!(trust.reading(world.now()).state, Denied);
}
