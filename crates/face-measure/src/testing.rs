//! Faces without networks, for tests.

use crate::rules::Rules;
use fourauth_face::{Embedding, Threshold, Thresholds};

/// An embedding at this distance from the first axis, in the direction of another axis.
pub(crate) fn embedding(towards: usize, distance: f32) -> Embedding {
    let mut values = vec![0.0; 128];
    values[0] = 1.0 - distance * distance / 2.0;
    values[towards] = (1.0 - values[0] * values[0]).max(0.0).sqrt();
    Embedding::normalised(values).unwrap()
}

/// Rules with the thresholds of the first default pack.
pub(crate) fn rules() -> Rules {
    Rules::with(thresholds(), None)
}

/// The same rules for a pack that judges liveness.
pub(crate) fn live_rules(threshold: f32) -> Rules {
    Rules::with(thresholds(), Some(threshold))
}

fn thresholds() -> Thresholds {
    let point = |(enrolled, probes, distance)| Threshold {
        enrolled,
        probes,
        distance,
        false_match_rate: 1e-5,
        false_non_match_rate: 0.1,
    };
    let points =
        [(1, 1, 0.300), (3, 1, 0.280), (5, 1, 0.278), (3, 3, 0.250), (5, 3, 0.248), (5, 5, 0.244)];
    Thresholds::try_from(points.map(point).to_vec()).unwrap()
}
