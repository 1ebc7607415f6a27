//! Thresholds: the largest accepted distance for each number of pictures, with its error rates.

use crate::LikenessRules;
use serde::{Deserialize, Serialize};

/// One calibrated point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Number of pictures in the mean of the template, at least 1.
    pub enrolled: u16,
    /// Number of pictures in the mean of the probe, at least 1.
    pub probes: u16,
    /// Largest accepted distance, Euclidean between normalised embeddings.
    pub distance: f32,
    /// Share of impostors that are accepted at this distance, above 0 and below 1. A measurement
    /// without errors shows a bound and no rate of 0.
    pub false_match_rate: f32,
    /// Share of genuine probes that are rejected at this distance, 0 to 1. Nothing is decided by it,
    /// and 1 is written where it was not measured.
    pub false_non_match_rate: f32,
}

impl Threshold {
    /// The first flaw of a point from a file.
    fn flaw(&self) -> Option<&'static str> {
        if self.enrolled == 0 || self.probes == 0 {
            Some("enrolled and probes of a threshold must be at least 1")
        } else if !(self.distance > 0.0 && self.distance < UNRELATED) {
            Some("the distance of a threshold must lie between 0 and 1.414")
        } else if !(self.false_match_rate > 0.0 && self.false_match_rate < 1.0) {
            Some(
                "the false_match_rate of a threshold must be more than 0 and less than 1; if no \
                 stranger was accepted, write the upper end of the interval",
            )
        } else if !(0.0..=1.0).contains(&self.false_non_match_rate) {
            Some("the false_non_match_rate of a threshold must be 0 to 1")
        } else {
            None
        }
    }

    /// True if the false match rate is lower than that of random directions, so that no network of
    /// this many values can have it.
    ///
    /// The embeddings of strangers have at best no common direction. Of all directions in `d`
    /// dimensions, at least (1 − x²)^((d − 1) / 2) / (6 x √d) have a cosine above `x`, for x ≥ √(2 / d)
    /// (Brieden et al., Approximation of diameters: randomization doesn't help, FOCS 1998).
    fn claims_too_much(&self, dimensions: u16) -> bool {
        let dimensions = f64::from(dimensions);
        let cosine = 1.0 - f64::from(self.distance).powi(2) / 2.0;
        let cosine = cosine.max((2.0 / dimensions).sqrt());
        let share = (1.0 - cosine * cosine).powf((dimensions - 1.0) / 2.0)
            / (6.0 * cosine * dimensions.sqrt());
        f64::from(self.false_match_rate) < share
    }

    /// True if this point is for at least as many pictures as `other` and claims no more false
    /// matches, although it accepts a larger distance.
    ///
    /// Means of more pictures lie closer to each other, also between different persons.
    fn contradicts(&self, other: &Threshold) -> bool {
        self.enrolled >= other.enrolled
            && self.probes >= other.probes
            && self.false_match_rate <= other.false_match_rate
            && self.distance > other.distance
    }
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

    /// Two points that contradict each other: the first one has more pictures, a larger distance and
    /// no higher false match rate.
    ///
    /// One of them was not measured well. It is not known which one, and figures of few pictures
    /// scatter, so this is no flaw of a pack but a reason to measure again.
    #[must_use]
    pub fn contradiction(&self) -> Option<(Threshold, Threshold)> {
        self.0.iter().find_map(|one| {
            let other = self.0.iter().find(|other| one.contradicts(other))?;
            Some((*one, *other))
        })
    }

    /// The first flaw of points for embeddings of this many values.
    pub(crate) fn flaw(&self, dimensions: u16, rules: &LikenessRules) -> Option<&'static str> {
        if self.0.iter().any(|point| point.distance <= rules.same_picture) {
            Some("same_picture must be less than the distance of every threshold")
        } else if self.0.iter().any(|point| point.claims_too_much(dimensions)) {
            Some(
                "a threshold accepts more strangers than its false_match_rate, even if embeddings \
                 were random; measure it",
            )
        } else {
            None
        }
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
        if points.is_empty() {
            return Err("a pack needs at least one threshold");
        }
        points.iter().find_map(Threshold::flaw).map_or(Ok(Thresholds(points)), Err)
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

    /// The flaw of a threshold with these rates.
    fn flaw(false_match_rate: f32, false_non_match_rate: f32) -> Option<&'static str> {
        let point = Threshold { false_match_rate, false_non_match_rate, ..point(1, 1, 0.3) };
        Thresholds::try_from(vec![point]).err()
    }

    #[test]
    fn a_rate_that_cannot_have_been_measured_is_refused() {
        for rate in [f32::NAN, f32::INFINITY, -1.0, 1.5] {
            assert!(flaw(rate, 0.1).is_some(), "a false match rate of {rate}");
            assert!(flaw(1e-5, rate).is_some(), "a false non-match rate of {rate}");
        }
        // Of the owners of a sample, none or all may have been refused. No sample shows that of all
        // strangers.
        for rate in [0.0, 1.0] {
            assert!(flaw(rate, 0.1).is_some());
            assert_eq!(flaw(1e-5, rate), None);
        }
    }

    #[test]
    fn a_point_without_pictures_is_refused() {
        for point in [point(0, 1, 0.3), point(1, 0, 0.3)] {
            assert!(Thresholds::try_from(vec![point]).is_err(), "{point:?}");
        }
    }

    #[test]
    fn a_rate_below_that_of_random_directions_is_a_flaw() {
        let is_flawed = |distance: f32, dimensions: u16| {
            let thresholds = Thresholds::try_from(vec![point(5, 5, distance)]).unwrap();
            thresholds.flaw(dimensions, &LikenessRules::DLIB).is_some()
        };
        // Of random directions, 2 in 10 000 are nearer than 1.3 in 512 dimensions, and 1 in 2000 nearer
        // than 1.1 in 64.
        assert!(is_flawed(1.3, 512) && is_flawed(1.41, 512) && is_flawed(1.1, 64));
        assert!(!is_flawed(1.2, 512) && !is_flawed(1.0, 128));
    }

    #[test]
    fn one_picture_is_nearer_to_itself_than_two_of_a_person() {
        let flaw = |distance: f32| {
            let thresholds = Thresholds::try_from(vec![point(5, 5, distance)]).unwrap();
            thresholds.flaw(128, &LikenessRules::DLIB)
        };
        assert_eq!(flaw(LikenessRules::DLIB.same_picture + 0.01), None);
        assert!(flaw(LikenessRules::DLIB.same_picture).is_some());
    }

    #[test]
    fn a_larger_distance_for_more_pictures_is_a_contradiction() {
        let of = |points: [Threshold; 2]| {
            Thresholds::try_from(points.to_vec()).unwrap().contradiction().is_some()
        };
        let fewer = point(3, 1, 0.3);
        let often = Threshold { false_match_rate: 1e-4, ..point(5, 1, 0.31) };
        assert!(!of([fewer, point(5, 1, 0.29)]));
        assert!(!of([fewer, point(5, 1, 0.3)]));
        assert!(!of([fewer, often]), "it says that it accepts more");
        assert!(!of([fewer, point(1, 3, 0.31)]), "neither has more pictures");
        assert!(of([fewer, point(5, 1, 0.31)]) && of([point(5, 5, 0.31), fewer]));
    }
}
