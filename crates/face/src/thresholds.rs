//! How close is close enough: a distance for each number of pictures, with the error rates measured for it.

use serde::{Deserialize, Serialize};

/// One calibrated point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Pictures the template is the mean of.
    pub enrolled: u16,
    /// Pictures the probe is the mean of.
    pub probes: u16,
    /// Largest accepted distance, Euclidean between normalised embeddings.
    pub distance: f32,
    /// Share of impostors that are accepted at this distance.
    pub false_match_rate: f32,
    /// Share of genuine probes that are rejected at this distance.
    pub false_non_match_rate: f32,
}

/// The calibration of a pack. Never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Threshold>", into = "Vec<Threshold>")]
pub struct Thresholds(Vec<Threshold>);

impl Thresholds {
    /// The largest distance accepted between the mean of `enrolled` and the mean of `probes` pictures.
    ///
    /// Means of more pictures lie closer to each other, those of strangers as well. Between calibrated
    /// points the next one with at least as many pictures holds, beyond all of them the strictest: the
    /// false match rate is never higher than promised.
    #[must_use]
    pub fn for_counts(&self, enrolled: usize, probes: usize) -> f32 {
        let covers = |point: &&Threshold| {
            usize::from(point.enrolled) >= enrolled && usize::from(point.probes) >= probes
        };
        let covering = self.0.iter().filter(covers).map(|point| point.distance).reduce(f32::max);
        covering.unwrap_or_else(|| {
            self.0.iter().map(|point| point.distance).fold(f32::INFINITY, f32::min)
        })
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
        // Strangers are about 0.6 to 1.4 apart: a pack that accepts more than 1 accepts everyone.
        if points.iter().any(|point| !(point.distance > 0.0 && point.distance < 1.0)) {
            return Err("a threshold must lie between 0 and 1");
        }
        if points.is_empty() {
            return Err("a pack needs a threshold");
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
        Threshold { enrolled, probes, distance, false_match_rate: 1e-4, false_non_match_rate: 0.1 }
    }

    #[test]
    fn a_count_between_two_calibrated_ones_takes_the_stricter() {
        let points =
            vec![point(1, 1, 0.343), point(3, 1, 0.316), point(5, 1, 0.312), point(3, 3, 0.271)];
        let thresholds = Thresholds::try_from(points).unwrap();
        let table = [
            ((1, 1), 0.343),
            ((2, 1), 0.316),
            ((3, 1), 0.316),
            ((4, 1), 0.312),
            ((5, 1), 0.312),
            ((3, 2), 0.271),
            ((3, 3), 0.271),
            ((1, 3), 0.271),
            ((5, 3), 0.271),
            ((9, 1), 0.271),
        ];
        for ((enrolled, probes), distance) in table {
            let found = thresholds.for_counts(enrolled, probes);
            assert!(
                (found - distance).abs() < 1e-6,
                "{enrolled} enrolled, {probes} probes: {found}"
            );
        }
    }

    #[test]
    fn a_threshold_that_accepts_everyone_is_refused() {
        for distance in [0.0, -1.0, 1.0, f32::NAN, f32::INFINITY] {
            assert!(Thresholds::try_from(vec![point(1, 1, distance)]).is_err());
        }
        assert!(Thresholds::try_from(Vec::new()).is_err());
    }
}
