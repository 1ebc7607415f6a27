//! Counts of owners: comparisons of people with their own templates, at many distances at once.

use crate::{interval::Evidence, levels::add_all, rate::PeopleSums};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::Levels;

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
}
