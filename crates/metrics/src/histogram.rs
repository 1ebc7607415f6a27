//! How long something took, counted in buckets.

use crate::counter::Counter;
use std::time::Duration;

/// The upper bounds of the buckets of a histogram, in ascending order. One more bucket has no bound.
pub type Bounds = &'static [Duration];

/// Durations, counted by bucket. One observation is two atomic additions.
#[derive(Debug)]
pub struct Histogram {
    bounds: Bounds,
    /// One count for each bound, and one for longer durations.
    buckets: Box<[Counter]>,
    /// The sum of all durations. 64 bits of nanoseconds are 584 years.
    nanoseconds: Counter,
}

impl Histogram {
    /// A histogram without observations.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self { bounds, buckets, nanoseconds: Counter::default() }
    }

    /// Counts one duration. A bucket includes its bound.
    pub fn observe(&self, duration: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < duration);
        self.buckets[bucket].increment();
        self.nanoseconds.add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::value).sum()
    }

    /// The sum of all durations.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.value())
    }

    /// Each bound with the number of durations up to it; `None` stands for no bound.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(&self.buckets).scan(0, |below, (bound, bucket)| {
            *below += bucket.value();
            Some((bound, *below))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = &[Duration::from_millis(1), Duration::from_millis(10)];

    #[test]
    fn a_bucket_includes_its_bound() {
        let histogram = Histogram::new(BOUNDS);
        for microseconds in [1_000, 1_001, 10_001] {
            histogram.observe(Duration::from_micros(microseconds));
        }
        let counts: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 3]);
        assert_eq!(histogram.sum(), Duration::from_micros(12_002));
    }

    proptest! {
        #[test]
        fn buckets_grow_and_the_last_one_has_every_observation(
            microseconds in proptest::collection::vec(0_u64..20_000, 0..100)
        ) {
            let histogram = Histogram::new(BOUNDS);
            for duration in &microseconds {
                histogram.observe(Duration::from_micros(*duration));
            }
            let counts: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
            prop_assert!(counts.is_sorted());
            prop_assert_eq!(counts.last().copied(), Some(microseconds.len() as u64));
            prop_assert_eq!(histogram.count(), microseconds.len() as u64);
        }
    }
}
