//! Thresholds that the measured comparisons support.
//!
//! A threshold is proposed for a false match rate if the upper end of the 95 % interval is not above
//! that rate, at this distance and at every shorter one. Without enough pairs of people there is no
//! such distance, however good the pack is: with no error among n pairs the upper end is about 3.7/n.

use crate::{
    compare::{Compared, Pictures},
    interval::Interval,
    rate::Rate,
    real,
};
use serde::Serialize;

/// The false match rates that are tried, in descending order. The server warns about a pack with a
/// rate above the last one.
pub(crate) const RATES: [f64; 4] = [1e-2, 1e-3, 1e-4, 1e-5];

/// A threshold for a false match rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// The numbers of pictures.
    #[serde(flatten)]
    pub pictures: Pictures,
    /// The false match rate that the upper end of the interval keeps below.
    pub false_match_rate: f64,
    /// The threshold; `None` if the pictures are too few for this rate.
    pub threshold: Option<Threshold>,
    /// The pairs of people that were compared.
    pub pairs: u64,
    /// The pairs that this rate needs, if none of them is accepted.
    pub pairs_needed: u64,
}

/// A proposed distance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// The largest accepted distance.
    pub distance: f32,
    /// Strangers that are accepted at this distance.
    pub strangers: Rate,
    /// Owners that are refused at this distance; `None` if no person has enough pictures.
    pub owners: Option<Rate>,
}

impl Proposal {
    /// True if no threshold could be proposed, however good the pack is.
    pub(crate) fn is_too_few(&self) -> bool {
        self.pairs < self.pairs_needed
    }
}

/// The proposals for every rate.
pub(crate) fn proposals(compared: &Compared) -> Vec<Proposal> {
    RATES.map(|rate| proposal(compared, rate)).into()
}

fn proposal(compared: &Compared, rate: f64) -> Proposal {
    let supported = |level: &usize| {
        let Interval { high, .. } = compared.strangers.evidence(*level).interval();
        high <= rate
    };
    let levels = (1..compared.levels.len()).take_while(supported);
    // A pack.toml has three digits, so the last level must be one of them.
    let best = levels.filter(|level| compared.levels.is_even(*level)).last();
    Proposal {
        pictures: compared.pictures,
        false_match_rate: rate,
        threshold: best.map(|level| threshold(compared, level)),
        pairs: compared.strangers.evidence(0).units,
        pairs_needed: units_needed(rate),
    }
}

fn threshold(compared: &Compared, level: usize) -> Threshold {
    let owners = Rate::from(&compared.genuine.evidence(level));
    Threshold {
        distance: compared.levels.distance(level),
        strangers: Rate::from(&compared.strangers.evidence(level)),
        owners: (owners.comparisons > 0).then_some(owners),
    }
}

/// The least number of pairs, or of other units, without an error for an interval that ends at or below `rate`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of at most a few million"
)]
pub(crate) fn units_needed(rate: f64) -> u64 {
    (0.025_f64.ln() / (-rate).ln_1p()).ceil() as u64
}

/// The least number of people with so many pairs.
pub(crate) fn people_needed(pairs: u64) -> u64 {
    let mut people = 2;
    while real(people) * (real(people) - 1.0) / 2.0 < real(pairs) {
        people += 1;
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_needs_enough_pairs_of_people() {
        assert_eq!(RATES.map(units_needed), [368, 3_688, 36_887, 368_887]);
        assert_eq!(RATES.map(units_needed).map(people_needed), [28, 87, 273, 860]);
    }
}
