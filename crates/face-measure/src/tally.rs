//! Counts of accepted comparisons at many distances at once, in a memory that does not grow with the
//! number of comparisons.

use crate::{count, interval::Evidence, rate::PeopleSums, real};
use std::sync::atomic::{AtomicU32, Ordering};

/// Distances between 0 and 2 are a thousandth apart.
const STEPS: u16 = 2000;

/// The distances at which comparisons are counted, in ascending order: every thousandth from 0 to 2,
/// and the threshold of the pack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels(Vec<f32>);

impl Levels {
    pub(crate) fn with(threshold: f32) -> Levels {
        let mut levels: Vec<f32> = (0..=STEPS).map(|step| f32::from(step) / 1000.0).collect();
        let place = levels.partition_point(|level| *level < threshold);
        if levels.get(place).is_none_or(|level| *level > threshold) {
            levels.insert(place, threshold);
        }
        Levels(levels)
    }

    /// The place of the least level that accepts a score; the number of levels if none does.
    pub(crate) fn place(&self, score: f32) -> u16 {
        // In this order a NaN is above every level.
        let place = self.0.partition_point(|level| level.total_cmp(&score).is_lt());
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn distance(&self, place: usize) -> f32 {
        self.0[place]
    }

    /// True for a level that lies on a thousandth, and not only on the threshold of the pack.
    pub(crate) fn is_even(&self, place: usize) -> bool {
        let scaled = f64::from(self.0[place]) * 1000.0;
        (scaled - scaled.round()).abs() < 1e-3
    }
}

/// Genuine comparisons at each level. A comparison that no level accepts counts as refused at all.
#[derive(Debug, Clone)]
pub(crate) struct Genuine {
    levels: Vec<PeopleSums>,
    /// Accepted for the first time at each level.
    pub(crate) histogram: Vec<u64>,
}

impl Genuine {
    pub(crate) fn new(levels: usize) -> Genuine {
        Genuine { levels: vec![PeopleSums::default(); levels], histogram: vec![0; levels] }
    }

    /// Adds the comparisons of one person: how many each level is the first to accept, and the
    /// number of all.
    pub(crate) fn add(&mut self, first: &[u64], all: u64) {
        let mut accepted = 0;
        for ((sums, sum), here) in self.levels.iter_mut().zip(&mut self.histogram).zip(first) {
            accepted += here;
            *sum += here;
            sums.add(all - accepted, all);
        }
    }

    pub(crate) fn and(mut self, other: &Genuine) -> Genuine {
        for (sums, more) in self.levels.iter_mut().zip(&other.levels) {
            *sums = sums.and(*more);
        }
        add_all(&mut self.histogram, &other.histogram);
        self
    }

    pub(crate) fn evidence(&self, level: usize) -> Evidence {
        self.levels[level].evidence()
    }
}

/// The numbers of templates and of probes of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) templates: u64,
    pub(crate) probes: u64,
}

/// Counts of one thread: comparisons of strangers, and sums over pairs of people.
#[derive(Debug, Clone)]
pub(crate) struct PairSums {
    /// Comparisons that this level is the first to accept.
    histogram: Vec<u64>,
    /// Increase at this level of the number of pairs with an accepted comparison.
    erring: Vec<u64>,
    /// Increase at this level of Σ s², where s is the number of accepted comparisons of a pair.
    squares: Vec<f64>,
    /// Increase at this level of Σ s × t, where t is the number of comparisons of the pair.
    products: Vec<f64>,
}

impl PairSums {
    pub(crate) fn new(levels: usize) -> PairSums {
        PairSums {
            histogram: vec![0; levels],
            erring: vec![0; levels],
            squares: vec![0.0; levels],
            products: vec![0.0; levels],
        }
    }

    pub(crate) fn and(mut self, other: &PairSums) -> PairSums {
        add_all(&mut self.histogram, &other.histogram);
        add_all(&mut self.erring, &other.erring);
        add_all(&mut self.squares, &other.squares);
        add_all(&mut self.products, &other.products);
        self
    }

    /// Adds the comparisons of a pair in both directions: the places of the least levels that accept
    /// them, without those that no level accepts, and the number of all.
    fn add(&mut self, places: &mut [u16], all: u64) {
        places.sort_unstable();
        let mut before = 0;
        for run in places.chunk_by(|a, b| a == b) {
            let (level, here) = (usize::from(run[0]), count(run.len()));
            let (old, new) = (real(before), real(before + here));
            self.histogram[level] += here;
            self.erring[level] += u64::from(before == 0);
            self.squares[level] += new * new - old * old;
            self.products[level] += real(here) * real(all);
            before += here;
        }
    }
}

/// Comparisons of strangers at each level.
///
/// Two comparisons depend on each other if they share a person. The variance sums over all such pairs
/// of comparisons (Aronow, Samii, Assenova, "Cluster-robust variance estimation for dyadic data",
/// 2015): with the residual of a comparison, its outcome less the rate, it is the sum over people of
/// the squared sum of all residuals with this person, less the sum over pairs of people of the squared
/// sum of theirs, which would count twice.
#[derive(Debug)]
pub(crate) struct Strangers {
    sizes: Vec<Sizes>,
    levels: usize,
    /// For each person and level, the comparisons with this person that this level is the first to
    /// accept.
    people: Vec<AtomicU32>,
}

/// The finished counts, accumulated over levels.
#[derive(Debug)]
pub(crate) struct StrangerCounts {
    sizes: Vec<Sizes>,
    levels: usize,
    people: Vec<u32>,
    pub(crate) histogram: Vec<u64>,
    errors: Vec<u64>,
    erring: Vec<u64>,
    squares: Vec<f64>,
    products: Vec<f64>,
}

impl Strangers {
    pub(crate) fn new(sizes: Vec<Sizes>, levels: usize) -> Strangers {
        let people = (0..sizes.len() * levels).map(|_| AtomicU32::new(0)).collect();
        Strangers { sizes, levels, people }
    }

    /// Adds the comparisons of two people in both directions; see [`PairSums::add`].
    pub(crate) fn add(&self, sums: &mut PairSums, pair: [usize; 2], places: &mut Vec<u16>) {
        places.retain(|place| usize::from(*place) < self.levels);
        for person in pair {
            for place in places.iter() {
                self.people[person * self.levels + usize::from(*place)]
                    .fetch_add(1, Ordering::Relaxed);
            }
        }
        let [one, other] = pair.map(|person| self.sizes[person]);
        sums.add(places, both_ways(one, other));
    }

    pub(crate) fn finished(self, sums: PairSums) -> StrangerCounts {
        let mut people: Vec<u32> = self.people.into_iter().map(AtomicU32::into_inner).collect();
        if self.levels > 0 {
            people.chunks_exact_mut(self.levels).for_each(accumulate);
        }
        let PairSums { histogram, mut erring, mut squares, mut products } = sums;
        let mut errors = histogram.clone();
        accumulate(&mut errors);
        accumulate(&mut erring);
        accumulate(&mut squares);
        accumulate(&mut products);
        StrangerCounts {
            sizes: self.sizes,
            levels: self.levels,
            people,
            histogram,
            errors,
            erring,
            squares,
            products,
        }
    }
}

impl StrangerCounts {
    pub(crate) fn evidence(&self, level: usize) -> Evidence {
        let sums = SizeSums::of(&self.sizes);
        let comparisons = sums.comparisons();
        let rate = real(self.errors[level]) / real(comparisons).max(1.0);
        let mut variance = 0.0;
        for (person, sizes) in self.sizes.iter().enumerate() {
            let accepted = f64::from(self.people[person * self.levels + level]);
            variance += (accepted - rate * real(sums.with(*sizes))).powi(2);
        }
        let pairs =
            self.squares[level] - 2.0 * rate * self.products[level] + rate * rate * sums.squares;
        let correction =
            if sums.people > 1 { real(sums.people) / (real(sums.people) - 1.0) } else { 1.0 };
        Evidence {
            errors: self.errors[level],
            comparisons,
            units: sums.pairs,
            erring: self.erring[level],
            people: sums.people,
            variance: correction * (variance - pairs).max(0.0) / real(comparisons).max(1.0).powi(2),
        }
    }
}

/// Comparisons of two people, in both directions.
fn both_ways(one: Sizes, other: Sizes) -> u64 {
    one.templates * other.probes + other.templates * one.probes
}

/// Sums over the numbers of templates and probes of people.
struct SizeSums {
    /// People with a comparison.
    people: u64,
    /// Pairs of people with a comparison.
    pairs: u64,
    templates: u64,
    probes: u64,
    /// Σ templates × probes.
    products: u64,
    /// Σ over pairs of the squared number of their comparisons.
    squares: f64,
}

impl SizeSums {
    fn of(sizes: &[Sizes]) -> SizeSums {
        let sum = |of: fn(&Sizes) -> u64| sizes.iter().map(of).sum::<u64>();
        let real_sum = |of: fn(f64, f64) -> f64| {
            sizes.iter().map(|sizes| of(real(sizes.templates), real(sizes.probes))).sum::<f64>()
        };
        let both = sum(|sizes| u64::from(sizes.templates > 0 && sizes.probes > 0));
        let one = sum(|sizes| u64::from(sizes.templates > 0 && sizes.probes == 0));
        let other = sum(|sizes| u64::from(sizes.templates == 0 && sizes.probes > 0));
        // (a b' + a' b)² summed over pairs, with a and b the templates and probes of a person.
        let fourth = real_sum(|a, b| (a * b).powi(2));
        let squares = real_sum(|a, _| a * a) * real_sum(|_, b| b * b) - fourth
            + real_sum(|a, b| a * b).powi(2)
            - fourth;
        SizeSums {
            people: both + one + other,
            pairs: both * both.saturating_sub(1) / 2 + both * (one + other) + one * other,
            templates: sum(|sizes| sizes.templates),
            probes: sum(|sizes| sizes.probes),
            products: sum(|sizes| sizes.templates * sizes.probes),
            squares,
        }
    }

    fn comparisons(&self) -> u64 {
        self.templates * self.probes - self.products
    }

    /// The comparisons with a person.
    fn with(&self, person: Sizes) -> u64 {
        person.templates * (self.probes - person.probes)
            + person.probes * (self.templates - person.templates)
    }
}

fn add_all<T: Copy + std::ops::AddAssign>(sums: &mut [T], more: &[T]) {
    sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += *value);
}

/// Replaces each value by the sum of all up to it.
fn accumulate<T: Copy + std::ops::AddAssign>(values: &mut [T]) {
    for place in 1..values.len() {
        let before = values[place - 1];
        values[place] += before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PEOPLE: usize = 5;

    /// The number of templates and probes of each person, and the scores of a pair in order.
    type Case = (Vec<(u8, u8)>, Vec<u16>);

    fn cases() -> impl Strategy<Value = Case> {
        let sizes = prop::collection::vec((0..4_u8, 0..4_u8), PEOPLE);
        (sizes, prop::collection::vec(0..2500_u16, 400))
    }

    /// Adds the comparisons of all pairs, and returns those that are accepted for each ordered pair.
    fn tallied(
        sizes: &[Sizes],
        scores: &[u16],
        levels: &Levels,
    ) -> (StrangerCounts, Vec<Vec<u16>>) {
        let strangers = Strangers::new(sizes.to_vec(), levels.len());
        let (mut sums, mut scores) = (PairSums::new(levels.len()), scores.iter().copied().cycle());
        let mut given = vec![Vec::new(); PEOPLE * PEOPLE];
        for one in 0..PEOPLE {
            for other in one + 1..PEOPLE {
                let all = usize::try_from(both_ways(sizes[one], sizes[other])).unwrap();
                let mut places: Vec<u16> = scores.by_ref().take(all).collect();
                given[one * PEOPLE + other].clone_from(&places);
                strangers.add(&mut sums, [one, other], &mut places);
            }
        }
        (strangers.finished(sums), given)
    }

    /// The variance by its definition: over all pairs of comparisons that share a person.
    fn by_definition(given: &[Vec<u16>], level: usize) -> (u64, f64) {
        let wrong = |place: &u16| usize::from(*place) <= level;
        let all: Vec<&u16> = given.iter().flatten().collect();
        let errors = count(all.iter().filter(|place| wrong(place)).count());
        let rate = real(errors) / real(count(all.len())).max(1.0);
        let residual = |pair: usize| {
            given[pair].iter().map(|p| f64::from(u8::from(wrong(p))) - rate).sum::<f64>()
        };
        let mut sum = 0.0;
        for (one, other) in (0..given.len()).flat_map(|a| (0..given.len()).map(move |b| (a, b))) {
            let [a, b] = [one / PEOPLE, one % PEOPLE];
            if [other / PEOPLE, other % PEOPLE].iter().any(|person| [a, b].contains(person)) {
                sum += residual(one) * residual(other);
            }
        }
        (errors, sum.max(0.0) / real(count(all.len())).max(1.0).powi(2))
    }

    proptest! {
        #[test]
        fn the_variance_of_strangers_is_that_of_its_definition((sizes, scores) in cases()) {
            let sizes: Vec<Sizes> = sizes
                .into_iter()
                .map(|(a, b)| Sizes { templates: a.into(), probes: b.into() })
                .collect();
            let levels = Levels::with(0.3141);
            let (counts, given) = tallied(&sizes, &scores, &levels);
            for level in [0, 314, 1000, 2000] {
                let evidence = counts.evidence(level);
                let (errors, variance) = by_definition(&given, level);
                let people = real(evidence.people.max(2));
                let expected = if evidence.people > 1 { variance * people / (people - 1.0) } else { variance };
                prop_assert_eq!(evidence.errors, errors);
                prop_assert_eq!(evidence.comparisons, count(given.iter().map(Vec::len).sum()));
                prop_assert_eq!(evidence.units, count(given.iter().filter(|g| !g.is_empty()).count()));
                prop_assert!((evidence.variance - expected).abs() < 1e-9, "{evidence:?} {expected}");
            }
        }
    }

    #[test]
    fn the_threshold_of_the_pack_is_a_level_of_its_own() {
        let threshold = 0.2785;
        let levels = Levels::with(threshold);
        let place = levels.place(threshold);
        assert_eq!(levels.place(threshold + 1e-6), place + 1);
        assert!(!levels.is_even(usize::from(place)) && levels.is_even(usize::from(place) + 1));
        assert_eq!(levels.len(), 2002);
        assert_eq!(Levels::with(0.278).len(), 2001);
        assert_eq!(usize::from(levels.place(f32::NAN)), levels.len());
        assert_eq!(usize::from(levels.place(f32::INFINITY)), levels.len());
    }

    #[test]
    fn a_refusal_at_every_level_counts_as_a_refusal() {
        let levels = Levels::with(0.5);
        let mut genuine = Genuine::new(levels.len());
        let mut first = vec![0; levels.len() + 1];
        for score in [0.2, 0.4, f32::INFINITY] {
            first[usize::from(levels.place(score))] += 1;
        }
        genuine.add(&first, 3);
        genuine.add(&vec![0; levels.len() + 1], 0);
        let wrong = |level| (genuine.evidence(level).errors, genuine.evidence(level).comparisons);
        assert_eq!([100, 200, 300, 400, 2000].map(wrong), [(3, 3), (2, 3), (2, 3), (1, 3), (1, 3)]);
        assert_eq!(genuine.evidence(0).people, 1);
    }

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
}
