//! Thresholds: the largest accepted distance for each number of pictures, with its error rates.

use crate::LikenessRules;
use serde::{Deserialize, Serialize};

/// One calibrated point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Number of pictures in the mean of the template.
    pub enrolled: u16,
    /// Number of pictures in the mean of the probe.
    pub probes: u16,
    /// Largest accepted distance, Euclidean between normalised embeddings.
    pub distance: f32,
    /// Share of impostors that are accepted at this distance.
    pub false_match_rate: f32,
    /// Share of genuine probes that are rejected at this distance.
    pub false_non_match_rate: f32,
}

/// The largest distances of the pictures of a login from a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Largest distance of their mean.
    pub mean: f32,
    /// Largest distance of each picture alone.
    ///
    /// A mean of pictures of different people lies nearer to every person than its pictures do.
    /// This bound refuses a mean that passes although its pictures do not.
    pub single: f32,
}

/// The distance between unrelated directions: √2. A larger threshold would accept almost all.
pub(crate) const UNRELATED: f32 = std::f32::consts::SQRT_2;

/// Upper bound of pictures in a command. A calibration must cover this number.
const MOST_PICTURES: u16 = 5;

/// The calibration of a pack. Never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Threshold>", into = "Vec<Threshold>")]
pub struct Thresholds(Vec<Threshold>);

impl Thresholds {
    /// The largest accepted distance between the mean of `enrolled` and the mean of `probes`
    /// pictures.
    ///
    /// Means of more pictures lie closer to each other, also between different persons. Between
    /// calibrated points, the next point with at least as many pictures applies (of two, the
    /// stricter one), so that the false match rate is never higher than documented. Beyond all
    /// points, which no command reaches, the strictest applies.
    #[must_use]
    pub fn for_counts(&self, enrolled: usize, probes: usize) -> f32 {
        self.point_for(enrolled, probes).map_or(0.0, |point| point.distance)
    }

    /// The calibrated point with the distance of [`Thresholds::for_counts`].
    #[must_use]
    pub fn point_for(&self, enrolled: usize, probes: usize) -> Option<&Threshold> {
        let covers = |point: &&Threshold| {
            usize::from(point.enrolled) >= enrolled && usize::from(point.probes) >= probes
        };
        let pictures = |point: &Threshold| u32::from(point.enrolled) + u32::from(point.probes);
        let nearest =
            self.0.iter().filter(covers).min_by(|a, b| {
                pictures(a).cmp(&pictures(b)).then(a.distance.total_cmp(&b.distance))
            });
        let strictest = || self.0.iter().min_by(|a, b| a.distance.total_cmp(&b.distance));
        nearest.or_else(strictest)
    }

    /// The limits for a login with `probes` distinct pictures and a template of `enrolled`
    /// pictures.
    #[must_use]
    pub fn limits(&self, enrolled: usize, probes: usize, rules: &LikenessRules) -> Limits {
        Limits {
            mean: self.for_counts(enrolled, probes),
            single: rules.scatter * self.for_counts(enrolled, 1),
        }
    }

    /// The largest false match rate of all points.
    #[must_use]
    pub fn false_match_rate(&self) -> f32 {
        self.0.iter().map(|point| point.false_match_rate).fold(0.0, f32::max)
    }

    /// True if the points cover every number of pictures that a command may have.
    pub(crate) fn reach_every_count(&self) -> bool {
        self.0.iter().any(|point| point.enrolled.min(point.probes) >= MOST_PICTURES)
    }

    /// All calibrated points.
    #[must_use]
    pub fn points(&self) -> &[Threshold] {
        &self.0
    }
}

impl TryFrom<Vec<Threshold>> for Thresholds {
    type Error = &'static str;

    fn try_from(points: Vec<Threshold>) -> Result<Thresholds, &'static str> {
        if points.iter().any(|point| !(point.distance > 0.0 && point.distance < UNRELATED)) {
            return Err("the distance of a threshold must lie between 0 and 1.414");
        }
        if points.is_empty() {
            return Err("a pack needs at least one threshold");
        }
        Ok(Thresholds(points))
    }
}

impl From<Thresholds> for Vec<Threshold> {
    fn from(thresholds: Thresholds) -> Vec<Threshold> {
        thresholds.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(enrolled: u16, probes: u16, distance: f32) -> Threshold {
        Threshold { enrolled, probes, distance, false_match_rate: 1e-5, false_non_match_rate: 0.1 }
    }

    #[test]
    fn each_count_of_pictures_has_the_threshold_of_its_point() {
        let points = [
            point(1, 1, 0.300),
            point(3, 1, 0.280),
            point(5, 1, 0.278),
            point(3, 3, 0.250),
            point(5, 3, 0.248),
            point(5, 5, 0.244),
        ];
        let thresholds = Thresholds::try_from(points.to_vec()).unwrap();
        // One row per number of enrolled pictures, one column per number of probe pictures.
        let table = [
            [0.300, 0.250, 0.250, 0.244, 0.244],
            [0.280, 0.250, 0.250, 0.244, 0.244],
            [0.280, 0.250, 0.250, 0.244, 0.244],
            [0.278, 0.248, 0.248, 0.244, 0.244],
            [0.278, 0.248, 0.248, 0.244, 0.244],
        ];
        for (enrolled, row) in (1..).zip(table) {
            for (probes, distance) in (1..).zip(row) {
                let found = thresholds.for_counts(enrolled, probes);
                assert!((found - distance).abs() < 1e-6, "{enrolled} and {probes}: {found}");
                let Limits { mean, single } =
                    thresholds.limits(enrolled, probes, &LikenessRules::DLIB);
                assert!((mean - distance).abs() < 1e-6, "{enrolled} and {probes}: {mean}");
                let alone = 1.25 * row[0];
                assert!((single - alone).abs() < 1e-6, "{enrolled} and {probes}: {single}");
            }
        }
    }

    #[test]
    fn a_stricter_threshold_for_few_pictures_holds() {
        let points =
            vec![point(1, 1, 0.2), point(3, 1, 0.28), point(1, 3, 0.27), point(5, 5, 0.24)];
        let thresholds = Thresholds::try_from(points).unwrap();
        for (counts, distance) in [((1, 1), 0.2), ((2, 1), 0.28), ((1, 2), 0.27), ((2, 2), 0.24)] {
            let found = thresholds.for_counts(counts.0, counts.1);
            assert!((found - distance).abs() < 1e-6, "{counts:?}: {found}");
        }
    }

    #[test]
    fn beyond_the_calibration_the_strictest_threshold_holds() {
        let thresholds = Thresholds::try_from(vec![point(1, 1, 0.3), point(3, 3, 0.25)]).unwrap();
        for (enrolled, probes) in [(4, 1), (1, 4), (9, 9)] {
            assert!((thresholds.for_counts(enrolled, probes) - 0.25).abs() < 1e-6);
        }
        assert!(!thresholds.reach_every_count());
    }

    #[test]
    fn a_threshold_that_accepts_everyone_is_refused() {
        for distance in [0.0, -1.0, 1.42, f32::NAN, f32::INFINITY] {
            assert!(Thresholds::try_from(vec![point(1, 1, distance)]).is_err());
        }
        assert!(Thresholds::try_from(Vec::new()).is_err());
    }
}
