//! 95 % intervals of error rates, for comparisons that depend on each other.
//!
//! Two comparisons of one person are not two independent trials, and neither are two comparisons of
//! strangers that share a person. So the interval is that of Clopper and Pearson, not on the number of
//! comparisons, but on the number of independent ones with the same variance (Korn and Graubard,
//! "Confidence intervals for proportions with small expected number of positive counts", 1998).
//!
//! A variance between people that few errors show is uncertain. So the design effect, the factor by
//! which dependence reduces the number of comparisons, is drawn towards its largest value: it is the
//! mean of the observed one, counted once for each unit with an error, and of that of a unit that has
//! only errors, counted once. With no error it is the largest value, and the number of comparisons
//! that counts is that of people or of pairs of people: the rule of three.

use crate::real;
use serde::Serialize;
use statrs::function::beta::beta_reg;

/// The share of each side that an interval leaves out.
const TAIL: f64 = 0.025;

/// The quantile of the normal distribution that this share exceeds.
const NORMAL: f64 = 1.959_963_984_540_054;

/// From so many degrees of freedom on, Student's t is the normal distribution to four digits.
const MANY: u64 = 10_000;

/// Errors among comparisons, and what is known about their dependence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Evidence {
    /// Comparisons with a wrong outcome.
    pub(crate) errors: u64,
    /// All comparisons.
    pub(crate) comparisons: u64,
    /// Units that can err together: people, or pairs of people.
    pub(crate) units: u64,
    /// Units with at least one error.
    pub(crate) erring: u64,
    /// People, for the degrees of freedom of the variance.
    pub(crate) people: u64,
    /// Estimated variance of the rate.
    pub(crate) variance: f64,
}

/// The lower and the upper end of a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Evidence {
    /// The observed rate; 0 without comparisons.
    pub(crate) fn rate(&self) -> f64 {
        if self.comparisons == 0 { 0.0 } else { real(self.errors) / real(self.comparisons) }
    }

    /// The interval of the rate; from 0 to 1 without comparisons.
    pub(crate) fn interval(&self) -> Interval {
        if self.comparisons == 0 || self.units == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let effective = real(self.comparisons) / self.design_effect();
        clopper_pearson(self.rate() * effective, effective)
    }

    /// The factor by which dependence reduces the number of comparisons, at least 1.
    fn design_effect(&self) -> f64 {
        let (rate, comparisons) = (self.rate(), real(self.comparisons));
        let largest = (comparisons / real(self.units)).max(1.0);
        // If all comparisons are wrong, they show as little about the variance as if none is.
        if self.errors == 0 || self.errors == self.comparisons || self.people < 2 {
            return largest;
        }
        let observed = (self.variance * comparisons / (rate * (1.0 - rate))).max(1.0);
        let observed = observed * widening(self.people - 1).powi(2);
        let erring = real(self.erring);
        (erring * observed + largest) / (erring + 1.0)
    }
}

/// How much wider an interval is if its variance was estimated with `freedom` degrees of freedom: the
/// quantile of Student's t over that of the normal distribution.
fn widening(freedom: u64) -> f64 {
    if freedom >= MANY {
        return 1.0;
    }
    let freedom = real(freedom);
    let share = quantile(freedom / 2.0, 0.5, 2.0 * TAIL);
    (freedom * (1.0 - share) / share).sqrt() / NORMAL
}

/// The interval of Clopper and Pearson for `errors` of `trials`, which need not be whole numbers.
fn clopper_pearson(errors: f64, trials: f64) -> Interval {
    let right = (trials - errors).max(0.0);
    Interval {
        low: if errors > 0.0 { quantile(errors, right + 1.0, TAIL) } else { 0.0 },
        high: if right > 0.0 { quantile(errors + 1.0, right, 1.0 - TAIL) } else { 1.0 },
    }
}

/// The quantile of the beta distribution, by bisection; of small values in the logarithm.
fn quantile(a: f64, b: f64, share: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..200 {
        let is_wide = low > 0.0 && high > 2.0 * low;
        let middle = if is_wide { (low * high).sqrt() } else { f64::midpoint(low, high) };
        if beta_reg(a, b, middle) < share { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod simulations;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3)
    }

    /// Values of the quantile function of the beta distribution in `scipy.stats` 1.17.
    #[test]
    fn clopper_pearson_agrees_with_published_values() {
        let table = [
            (0.0, 60.0, 0.0, 0.059_629_492_286_166_91),
            (1.0, 33_670.0, 7.519_393_663_665_113e-7, 1.654_667_404_964_496_6e-4),
            (3.7, 1e6, 9.408_732_919_360_909e-7, 9.804_971_558_056_941e-6),
            (100.0, 1e8, 8.136_399_842_560_57e-7, 1.216_267_806_404_362e-6),
            (2000.0, 10_000.0, 0.192_198_370_221_857_2, 0.207_976_727_781_863_35),
            (3e5, 1e6, 0.299_101_911_933_582_1, 0.300_899_246_642_253_76),
        ];
        for (errors, trials, low, high) in table {
            let found = clopper_pearson(errors, trials);
            assert!(close(found.low, low) && close(found.high, high), "{errors} {found:?}");
        }
        assert_eq!(clopper_pearson(5.0, 5.0).high.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn few_people_widen_an_interval_as_students_t_does() {
        for (freedom, quantile) in [(1, 12.706), (5, 2.5706), (59, 2.0010), (999, 1.9623)] {
            let found = widening(freedom) * NORMAL;
            assert!((found / quantile - 1.0).abs() < 1e-4, "{freedom}: {found}");
        }
        assert!((widening(MANY - 1) - 1.0).abs() < 2e-4);
        assert!((widening(u64::MAX) - 1.0).abs() < 1e-9);
    }

    fn evidence(errors: u64, erring: u64, variance: f64) -> Evidence {
        Evidence { errors, comparisons: 1800, units: 60, erring, people: 60, variance }
    }

    #[test]
    fn without_an_error_people_count_and_not_comparisons() {
        let high = evidence(0, 0, 0.0).interval().high;
        assert!(close(high, clopper_pearson(0.0, 60.0).high), "{high}");
        // The control: as if all comparisons were independent.
        assert!(clopper_pearson(0.0, 1800.0).high < high / 20.0);
    }

    #[test]
    fn errors_of_many_people_show_more_than_those_of_one() {
        let binomial = |errors: u64| real(errors) / 1800.0 * (1.0 - real(errors) / 1800.0) / 1800.0;
        let width = |errors, erring| {
            let Interval { low, high } = evidence(errors, erring, binomial(errors)).interval();
            high - low
        };
        // The same rate and variance: one person with all the errors shows less than many people.
        assert!(width(30, 1) > width(30, 10) && width(30, 10) > width(30, 30));
        let plain = clopper_pearson(30.0, 1800.0);
        assert!(width(30, 30) < 1.5 * (plain.high - plain.low));
    }

    #[test]
    fn no_comparison_says_nothing() {
        let none = Evidence { comparisons: 0, ..evidence(0, 0, 0.0) };
        assert_eq!(none.interval(), Interval { low: 0.0, high: 1.0 });
    }
}
