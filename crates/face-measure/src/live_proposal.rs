//! Thresholds of liveness that the measured prints support.
//!
//! A threshold is proposed for a rate of accepted prints if the upper end of the 95 % interval is not
//! above that rate, at this threshold and at every higher one. Without enough prints there is no such
//! threshold, however good the pack is.

use crate::{liveness::Step, proposal::units_needed, rate::Rate};
use serde::Serialize;

/// The rates of accepted prints that are tried, in descending order.
pub(crate) const RATES: [f64; 4] = [0.2, 0.1, 0.05, 0.01];

/// The largest share of live pictures that a proposed threshold refuses.
pub(crate) const MOST_REFUSED: f64 = 0.1;

/// A threshold for a rate of accepted prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveProposal {
    /// The rate that the upper end of the interval of accepted prints keeps below.
    pub rate: f64,
    /// The least such threshold in hundredths, with both rates; `None` if every one accepts
    /// too many prints.
    pub least: Option<Step>,
    /// The folders and single files of prints that were measured.
    pub folders: u64,
    /// The folders and single files that this rate needs, if no print is accepted.
    pub folders_needed: u64,
}

impl LiveProposal {
    /// True if no threshold could be proposed, however good the pack is.
    pub(crate) fn is_too_few(&self) -> bool {
        self.folders < self.folders_needed
    }

    /// The threshold, if it refuses few live pictures.
    pub(crate) fn affordable(&self) -> Option<f32> {
        let Step { threshold, live_refused, .. } = self.least.as_ref()?;
        live_refused.is_some_and(|live| live.rate <= MOST_REFUSED).then_some(*threshold)
    }
}

/// The proposals for every rate, from both rates `at` a threshold. None without prints.
pub(crate) fn proposals(at: impl Fn(f32) -> Step) -> Vec<LiveProposal> {
    let steps: Vec<Step> = (1..100_u8).rev().map(|step| at(f32::from(step) / 100.0)).collect();
    let folders = steps.iter().find_map(|step| step.prints_accepted).map(|prints| prints.units);
    let of_rate = |folders| {
        RATES.map(|rate| LiveProposal {
            rate,
            least: least(&steps, rate).cloned(),
            folders,
            folders_needed: units_needed(rate),
        })
    };
    folders.map(of_rate).into_iter().flatten().collect()
}

/// The threshold that the pack should have instead of its own: the one for the lowest rate that the
/// prints support and that refuses few live pictures. A lower threshold than the pack's is never
/// proposed, because prints that were not measured may have higher scores.
pub(crate) fn proposed(of_pack: f32, proposals: &[LiveProposal]) -> Option<f32> {
    let threshold = proposals.iter().rev().find_map(LiveProposal::affordable)?;
    (threshold > of_pack).then_some(threshold)
}

/// The lowest of these descending thresholds at which so few prints are accepted.
fn least(steps: &[Step], rate: f64) -> Option<&Step> {
    let supports = |step: &&Step| {
        step.prints_accepted.is_some_and(|Rate { interval, .. }| interval.high <= rate)
    };
    steps.iter().take_while(supports).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Live pictures and prints, each of a person or folder of its own.
    fn of(live: &[f32], prints: &[f32]) -> Vec<LiveProposal> {
        let rate = |scores: &[f32], is_error: &dyn Fn(f32) -> bool| {
            let each = scores.iter().map(|score| (u64::from(is_error(*score)), 1));
            (!scores.is_empty()).then(|| Rate::of_people(each))
        };
        proposals(|threshold| Step {
            threshold,
            live_refused: rate(live, &|score| score <= threshold),
            prints_accepted: rate(prints, &|score| score > threshold),
        })
    }

    fn thresholds(proposals: &[LiveProposal]) -> Vec<Option<f32>> {
        proposals.iter().map(|one| one.least.as_ref().map(|step| step.threshold)).collect()
    }

    #[test]
    fn the_least_threshold_that_keeps_to_a_rate_is_proposed() {
        let prints = [vec![0.2; 39], vec![0.605]].concat();
        let found = of(&[0.9; 20], &prints);
        // One of 40 is up to 13 %, none of 40 is up to 9 %.
        assert_eq!(thresholds(&found), [Some(0.2), Some(0.61), None, None]);
        assert_eq!(
            found.iter().map(LiveProposal::is_too_few).collect::<Vec<_>>(),
            [false, false, true, true]
        );
        assert_eq!(proposed(0.5, &found), Some(0.61));
    }

    #[test]
    fn a_threshold_is_never_loosened() {
        let found = of(&[0.9; 20], &[0.2; 40]);
        assert_eq!(thresholds(&found)[1], Some(0.2));
        assert_eq!(proposed(0.5, &found), None);
        assert_eq!(proposed(0.1, &found), Some(0.2));
    }

    #[test]
    fn a_threshold_that_refuses_many_live_pictures_is_not_proposed() {
        let live = [vec![0.9; 8], vec![0.55; 2]].concat();
        let found = of(&live, &[0.6; 40]);
        assert_eq!(thresholds(&found)[1], Some(0.6));
        assert_eq!(proposed(0.5, &found), None);
        let unknown = of(&[], &[0.6; 40]);
        assert_eq!(proposed(0.5, &unknown), None);
    }

    #[test]
    fn without_prints_nothing_is_proposed() {
        assert_eq!(of(&[0.9; 20], &[]), []);
    }
}
