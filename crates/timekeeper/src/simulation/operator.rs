//! What survives a restart, and what only an operator can change.

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
    /// An operator accepts what is offered.
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

/// Under `strict`, after all servers have lied.
fn barred() -> World {
    let mut world = synced(Strict);
    world.hear([Ahead(10 * SECOND); 4]);
    assert_eq!(world.state(), Denied);
    world
}

#[test]
fn a_restart_does_not_lift_the_bar() {
    let mut world = barred();
    world.set_wall(10 * SECOND); // as when the system clock follows the same servers
    for says in [[Ahead(10 * SECOND); 4], ALL_HONEST, ALL_SILENT] {
        world.restart();
        assert_eq!(world.state(), Denied);
        world.hear(says);
        assert_eq!(world.state(), Denied, "{says:?}");
    }
}

#[test]
fn a_bar_that_was_lifted_stays_so_after_a_restart() {
    let mut world = barred();
    world.hear(ALL_HONEST);
    world.accept().unwrap();
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Synced);
}

#[test]
fn secure_for_a_while_is_no_way_around_the_bar() {
    let mut world = barred();
    world.start.profile = Secure;
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Synced, "secure knows no bar");
    world.start.profile = Strict;
    world.restart();
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Denied);
}

#[test]
fn after_a_restart_the_bar_is_lifted_only_once_the_servers_have_spoken() {
    let mut world = barred();
    world.restart();
    assert_eq!(world.accept(), Err(NotAccepted::NothingOffered));
    world.hear(ALL_HONEST);
    world.accept().unwrap();
    assert_eq!(world.state(), Synced);
}

#[test]
fn what_was_vouched_for_is_the_floor_of_the_next_start() {
    for profile in [Secure, Strict] {
        for back in [-HOUR, -2 * DAY] {
            let mut world = synced(profile);
            world.set_wall(back);
            assert_eq!(world.state(), Synced, "no effect while it runs");
            world.restart();
            assert_eq!(world.state(), Denied);
            world.pass(3 * DAY);
            assert_eq!(world.state(), Denied, "and waiting is no way above it");
        }
    }
}

#[test]
fn an_operator_may_admit_a_system_clock_below_the_floor() {
    let mut world = Start { profile: Secure, seed: 0 }.with_wall(2 * DAY);
    world.hear(ALL_SILENT);
    world.set_wall(0); // it had been wrong
    world.restart();
    assert_eq!(world.state(), Denied);

    world.accept().unwrap();

    assert_eq!((world.state(), world.error()), (Local, 0));
    world.restart();
    assert_eq!(world.state(), Local, "and the next start knows");
}

#[test]
fn what_is_refused_is_not_vouched_for() {
    let world = barred();
    let before = world.past.vouched;
    let mut later = world;
    later.pass(DAY);
    assert_eq!(later.past.vouched, before);
}

#[test]
fn a_system_clock_in_local_time_is_corrected_before_it_is_vouched_for() {
    let mut world = Start { profile: Secure, seed: 0 }.with_wall(10 * HOUR);
    world.pass(SECOND);
    assert_eq!(world.state(), Local);
    assert!(world.past.vouched.unwrap() < world.truth, "nobody has been asked yet");
    world.hear(ALL_HONEST);
    assert_eq!(world.state(), Synced);
    world.set_wall(0);
    world.restart();
    assert_eq!(world.state(), Local, "and not denied");
}

#[test]
fn servers_that_led_us_astray_may_lead_us_back_and_no_further() {
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
fn an_offer_is_accepted_as_it_was_seen_or_not_at_all() {
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
fn where_nothing_is_refused_there_is_nothing_to_accept() {
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
fn a_first_start_knows_no_floor_but_the_build_date() {
    let past = Past::none(super::START.saturating_add_ms(DAY));
    let world = Start { profile: Secure, seed: 0 }.with_wall(0);
    let trust = crate::trust::Trust::new(super::settings(Secure, past), world.now());
    assert_eq!(trust.reading(world.now()).state, Denied);
}
