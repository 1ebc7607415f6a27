//! How often the intervals hold the true rate, in simulations with dependent comparisons.

use super::Evidence;
use crate::{
    rate::PeopleSums,
    strangers::{PairSums, Sizes, Strangers},
};

/// The generator `SplitMix64`, for simulations that are always the same.
struct Dice(u64);

impl Dice {
    fn falls(&mut self, chance: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let value = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap();
        f64::from(value) / f64::from(u32::MAX) < chance
    }

    fn count(&mut self, of: u64, chance: f64) -> u64 {
        (0..of).map(|_| u64::from(self.falls(chance))).sum()
    }
}

/// The shares of simulations in which the interval holds the true rate: with what is known about
/// dependence, and, as a control, as if all comparisons were independent.
fn held(rate: f64, runs: u32, mut run: impl FnMut() -> Evidence) -> [f64; 2] {
    let mut held = [0; 2];
    for _ in 0..runs {
        let evidence = run();
        let independent = Evidence {
            units: evidence.comparisons,
            erring: u64::MAX / 2,
            people: u64::MAX / 2,
            variance: 0.0,
            ..evidence
        };
        for (held, evidence) in held.iter_mut().zip([evidence, independent]) {
            let interval = evidence.interval();
            *held += u32::from((interval.low..=interval.high).contains(&rate));
        }
    }
    held.map(|held| f64::from(held) / f64::from(runs))
}

#[test]
fn intervals_hold_the_rate_of_owners_although_people_differ() {
    let mut dice = Dice(1);
    // One person in ten is refused at every fifth comparison, the others never.
    let [known, control] = held(0.02, 400, || {
        let mut sums = PeopleSums::default();
        for _ in 0..60 {
            let chance = if dice.falls(0.1) { 0.2 } else { 0.0 };
            sums.add(dice.count(30, chance), 30);
        }
        sums.evidence()
    });
    println!("held: {known}, as if independent: {control}");
    assert!(known >= 0.95 && control < 0.8, "{known} {control}");
}

#[test]
fn intervals_hold_the_rate_of_strangers_although_some_resemble() {
    const CROWD: usize = 40;
    let mut dice = Dice(2);
    let sizes = Sizes { templates: 2, probes: 2 };
    let [known, control] = held(0.01, 300, || {
        // One person in five resembles the others, and most of all those like this one.
        let weights: Vec<f64> =
            (0..CROWD).map(|_| if dice.falls(0.2) { 3.4 } else { 0.4 }).collect();
        let strangers = Strangers::new(vec![sizes; CROWD], 1);
        let mut sums = PairSums::new(1);
        for one in 0..CROWD {
            for other in one + 1..CROWD {
                let accepted = dice.count(8, 0.01 * weights[one] * weights[other]);
                let mut places = vec![0; usize::try_from(accepted).unwrap()];
                places.resize(8, 1);
                strangers.add(&mut sums, [one, other], &mut places);
            }
        }
        strangers.finished(sums).evidence(0)
    });
    println!("held: {known}, as if independent: {control}");
    assert!(known >= 0.9 && control < 0.7, "{known} {control}");
}
