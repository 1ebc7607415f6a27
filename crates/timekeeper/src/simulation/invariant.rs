//! The invariant of the crate as a property test.

use super::{DAY, Start};
use crate::{
    clock::State::{Holdover, Synced},
    sample::{Loss, Round, Sample},
    settings::Profile::{Secure, Strict},
};
use proptest::{collection::vec, prelude::*};

/// An honest server's answer in one round: true if it arrives, its reach in milliseconds, and the
/// error within the reach (in thousandths).
type Answer = (bool, i64, i64);

/// How far the liar is ahead, in milliseconds: any value, or one small enough to agree.
fn lie() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -500_i64..500]
}

fn answer() -> impl Strategy<Value = Answer> {
    (proptest::bool::weighted(0.8), 12_i64..260, -999_i64..=999)
}

proptest! {
    /// The boot clock drifts by up to 200 ppm, one server of four lies, the system clock jumps.
    #[test]
    fn a_trusted_reading_is_within_its_error(
        drift_ppm in -200_i64..=200,
        profile in prop_oneof![Just(Secure), Just(Strict)],
        rounds in vec(
            (1_i64..40_000_000, [answer(), answer(), answer()], lie(), -DAY..DAY),
            1..30,
        ),
    ) {
        let mut world = Start { profile, seed: 0 }.with_wall(0);
        let (boot_0, truth_0) = (world.boot, world.truth);
        for (elapsed, honest, lie, wall_jump) in rounds {
            world.boot = world.boot.saturating_add_ms(elapsed);
            let counted = world.boot.millis_since(boot_0);
            world.truth = truth_0.saturating_add_ms(counted + counted * drift_ppm / 1_000_000);
            let sample = |utc, reach_ms| Sample {
                at: world.boot, utc, reach_ms, offset_ms: 0, round_trip_ms: 0,
            };
            let answer = |&(heard, reach, place): &Answer| {
                let said = world.truth.saturating_add_ms(reach * place / 1_000);
                if heard { Ok(sample(said, reach)) } else { Err(Loss::NoAnswer) }
            };
            let mut round: Round = honest.iter().map(answer).collect();
            round.insert(1, Ok(sample(world.truth.saturating_add_ms(lie), 20)));
            world.trust.observe(&round, world.now());
            world.set_wall(wall_jump);

            let reading = world.trust.reading(world.now());
            if matches!(reading.state, Synced | Holdover) {
                prop_assert!(
                    world.error() <= i64::from(reading.error_ms) + 1,
                    "{} ms off, stated error {}", world.error(), reading.error_ms
                );
            }
        }
    }
}
