//! The statistics that the figures need.

use std::f64::consts::PI;

/// Quantile of the normal distribution that leaves half a percent on either side.
const Z_99: f64 = 2.575_829_303_548_901;

/// The value below which `share` of the sorted values lie, by the nearest rank.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get(rank(sorted.len(), share).min(last)).copied().unwrap_or(f64::NAN)
}

/// The median, by the nearest rank.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// A count as a floating-point number.
pub(crate) fn count(values: usize) -> f64 {
    u32::try_from(values).map_or(f64::INFINITY, f64::from)
}

/// The bounds of the 99 % confidence interval of `median(b) - median(a)`.
///
/// The standard error of each median comes from its order statistics, so nothing is assumed about
/// the distribution (`McKean` and Schrader 1984).
pub(crate) fn median_shift(a: &[f64], b: &[f64]) -> [f64; 2] {
    let shift = median(b) - median(a);
    let error = Z_99 * standard_error(a).hypot(standard_error(b));
    [shift - error, shift + error]
}

fn standard_error(values: &[f64]) -> f64 {
    let reach = Z_99 / (2.0 * count(values.len()).sqrt());
    (percentile(values, 0.5 + reach) - percentile(values, 0.5 - reach)) / (2.0 * Z_99)
}

fn rank(length: usize, share: f64) -> usize {
    let wanted = (count(length) * share.clamp(0.0, 1.0)).ceil();
    // A scan instead of a cast: exact, and cheap compared with the sort.
    (0..length).find(|index| count(index + 1) >= wanted).unwrap_or(length)
}

/// How well two samples can be told apart by one value each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Separation {
    /// The probability that a value of the second is the larger one; 0.5 if they do not differ.
    pub(crate) auc: f64,
    /// The two-sided probability of an `auc` this far from 0.5 if there were no difference.
    pub(crate) p: f64,
}

/// The test of Mann and Whitney (1947), in the normal approximation with the correction for ties.
pub(crate) fn separation(first: &[f64], second: &[f64]) -> Separation {
    let of = |values: &[f64], is_second| -> Vec<(f64, bool)> {
        values.iter().map(|value| (*value, is_second)).collect()
    };
    let mut all = [of(first, false), of(second, true)].concat();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for tied in all.chunk_by(|x, y| x.0.total_cmp(&y.0).is_eq()) {
        let size = count(tied.len());
        let ours = count(tied.iter().filter(|(_, is_second)| *is_second).count());
        rank_sum += ours * (before + f64::midpoint(size, 1.0));
        ties += size.powi(3) - size;
        before += size;
    }
    let (m, n) = (count(first.len()), count(second.len()));
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let spread = (m * n / 12.0 * ((m + n + 1.0) - ties / ((m + n) * (m + n - 1.0)))).sqrt();
    Separation { auc: u / (m * n), p: two_sided((u - m * n / 2.0) / spread) }
}

/// The standard error of the `auc` for two samples of `size` that do not differ.
pub(crate) fn auc_error(size: usize) -> f64 {
    let n = count(size);
    ((2.0 * n + 1.0) / (12.0 * n * n)).sqrt()
}

/// The probability of a normal value at least this far from zero.
///
/// By Laplace's continued fraction (Abramowitz and Stegun 26.2.14), which is accurate in the tails;
/// near zero it needs many terms.
fn two_sided(z: f64) -> f64 {
    const TERMS: u32 = 2000;
    let z = z.abs();
    if z < 1e-2 {
        return 1.0;
    }
    let fraction = (1..=TERMS).rev().fold(z, |below, term| z + f64::from(term) / below);
    (2.0 * (-z * z / 2.0).exp() / ((2.0 * PI).sqrt() * fraction)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evenly(size: u32, shift: f64) -> Vec<f64> {
        (0..size).map(|index| f64::from(index * 7919 % size) + shift).collect()
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = evenly(100, 1.0);
        assert_eq!(percentile(&values, 0.99).to_bits(), 99.0_f64.to_bits());
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_tails_of_the_normal_distribution_are_as_tabulated() {
        // Abramowitz and Stegun, table 26.1 and 26.2.
        for (z, p) in [(0.5, 0.617_075), (1.959_964, 0.05), (3.0, 2.699_796e-3), (5.0, 5.733_03e-7)]
        {
            assert!((two_sided(z) / p - 1.0).abs() < 1e-4, "{z}: {}", two_sided(z));
        }
    }

    #[test]
    fn samples_that_do_not_differ_cannot_be_told_apart() {
        let same = separation(&evenly(1000, 0.0), &evenly(1000, 0.0));
        assert!((same.auc - 0.5).abs() < 1e-9 && same.p > 0.99);
        let [low, high] = median_shift(&evenly(1000, 0.0), &evenly(1000, 0.0));
        assert!(low < 0.0 && high > 0.0);
    }

    #[test]
    fn a_shift_is_detected_and_measured() {
        let apart = separation(&evenly(1000, 0.0), &evenly(1000, 200.0));
        assert!(apart.auc > 0.6 && apart.p < 1e-6);
        let [low, high] = median_shift(&evenly(1000, 0.0), &evenly(1000, 200.0));
        assert!(low < 200.0 && high > 200.0 && low > 100.0);
    }

    #[test]
    fn a_small_example_agrees_with_a_manual_calculation() {
        // 1 2 | 3 against 2 4: U = (1 of 1) + (half of the tie) + ... = 4.5 of 6.
        let small = separation(&[1.0, 2.0, 3.0], &[2.0, 4.0]);
        assert!((small.auc - 4.5 / 6.0).abs() < 1e-12);
    }
}
