//! An error rate with its interval.

use crate::interval::{Evidence, Interval};
use serde::Serialize;

/// How many of some comparisons went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Comparisons with a wrong outcome.
    pub errors: u64,
    /// All comparisons.
    pub comparisons: u64,
    /// The people, or pairs of people, that the comparisons are of.
    pub units: u64,
    /// The observed rate; 0 without comparisons.
    pub rate: f64,
    /// The 95 % interval of the rate.
    #[serde(flatten)]
    pub interval: Interval,
}

impl From<&Evidence> for Rate {
    fn from(evidence: &Evidence) -> Rate {
        Rate {
            errors: evidence.errors,
            comparisons: evidence.comparisons,
            units: evidence.units,
            rate: evidence.rate(),
            interval: evidence.interval(),
        }
    }
}

impl Rate {
    /// The rate of errors of people: `(errors, comparisons)` of each.
    pub(crate) fn of_people(people: impl Iterator<Item = (u64, u64)> + Clone) -> Rate {
        Rate::from(&Evidence::of_people(people))
    }
}

impl Evidence {
    /// The errors of people, which are independent of each other: `(errors, comparisons)` of each.
    ///
    /// The variance is that of a ratio of sums over people.
    pub(crate) fn of_people(people: impl Iterator<Item = (u64, u64)> + Clone) -> Evidence {
        let mut sums = PeopleSums::default();
        people.for_each(|(errors, comparisons)| sums.add(errors, comparisons));
        sums.evidence()
    }
}

/// Sums over people from which the variance of their rate follows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PeopleSums {
    pub(crate) errors: u64,
    pub(crate) comparisons: u64,
    pub(crate) people: u64,
    pub(crate) erring: u64,
    /// Σ errors².
    pub(crate) squares: f64,
    /// Σ errors × comparisons.
    pub(crate) products: f64,
    /// Σ comparisons².
    pub(crate) sizes: f64,
}

impl PeopleSums {
    /// Adds a person. A person without comparisons does not count.
    pub(crate) fn add(&mut self, errors: u64, comparisons: u64) {
        let (wrong, all) = (crate::real(errors), crate::real(comparisons));
        self.errors += errors;
        self.comparisons += comparisons;
        self.people += u64::from(comparisons > 0);
        self.erring += u64::from(errors > 0);
        self.squares += wrong * wrong;
        self.products += wrong * all;
        self.sizes += all * all;
    }

    /// The sums of two groups of people.
    pub(crate) fn and(self, other: PeopleSums) -> PeopleSums {
        PeopleSums {
            errors: self.errors + other.errors,
            comparisons: self.comparisons + other.comparisons,
            people: self.people + other.people,
            erring: self.erring + other.erring,
            squares: self.squares + other.squares,
            products: self.products + other.products,
            sizes: self.sizes + other.sizes,
        }
    }

    /// Σ (errors − rate × comparisons)² / comparisons², and the correction for the number of people.
    pub(crate) fn evidence(&self) -> Evidence {
        let people = crate::real(self.people);
        let all = crate::real(self.comparisons).max(1.0);
        let rate = crate::real(self.errors) / all;
        let residuals = self.squares - 2.0 * rate * self.products + rate * rate * self.sizes;
        let correction = if self.people > 1 { people / (people - 1.0) } else { 1.0 };
        Evidence {
            errors: self.errors,
            comparisons: self.comparisons,
            units: self.people,
            erring: self.erring,
            people: self.people,
            variance: correction * residuals.max(0.0) / (all * all),
        }
    }
}
