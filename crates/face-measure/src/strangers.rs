//! Counts of strangers: comparisons of people with the templates of others, at many distances at once,
//! and the variance of their rate.

mod sizes;

pub(crate) use sizes::Sizes;

use crate::{
    count,
    interval::Evidence,
    levels::{accumulate, add_all},
    real,
};
use sizes::{SizeSums, both_ways};
use std::sync::atomic::{AtomicU32, Ordering};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::Levels;
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
}
