//! How many comparisons there are, from the numbers of templates and probes of people.

use crate::real;

/// The numbers of templates and of probes of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) templates: u64,
    pub(crate) probes: u64,
}

/// Comparisons of two people, in both directions.
pub(super) fn both_ways(one: Sizes, other: Sizes) -> u64 {
    one.templates * other.probes + other.templates * one.probes
}

/// Sums over the numbers of templates and probes of people.
pub(super) struct SizeSums {
    /// People with a comparison.
    pub(super) people: u64,
    /// Pairs of people with a comparison.
    pub(super) pairs: u64,
    templates: u64,
    probes: u64,
    /// Σ templates × probes.
    products: u64,
    /// Σ over pairs of the squared number of their comparisons.
    pub(super) squares: f64,
}

impl SizeSums {
    pub(super) fn of(sizes: &[Sizes]) -> SizeSums {
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

    pub(super) fn comparisons(&self) -> u64 {
        self.templates * self.probes - self.products
    }

    /// The comparisons with a person.
    pub(super) fn with(&self, person: Sizes) -> u64 {
        person.templates * (self.probes - person.probes)
            + person.probes * (self.templates - person.templates)
    }
}
