//! The lines that are proposed for `pack.toml`.

use super::Comparisons;
use crate::{
    compare::Pictures,
    proposal::{Proposal, Threshold},
    rate::Rate,
};
use std::{
    collections::BTreeMap,
    fmt::{self, Formatter},
};

/// The highest false match rate that is worth a line in `pack.toml`.
const WORTH_A_LINE: f64 = 1e-3;

/// The rounding of a rate in `pack.toml`.
const ROUNDING: f64 = 1.001;

/// The proposals for one combination of numbers, and what the pack has for it.
struct Choice<'a> {
    proposal: &'a Proposal,
    threshold: &'a Threshold,
    pack: &'a Comparisons,
}

impl Choice<'_> {
    /// True if the line takes nothing away: it accepts no more than the pack's, or the pictures support
    /// the rate that the pack states.
    fn is_no_looser(&self) -> bool {
        self.threshold.distance <= self.pack.threshold
            || self.proposal.false_match_rate <= self.pack.stated_rate * ROUNDING
    }
}

/// Writes the lines for `pack.toml`, each at the lowest rate that the pictures support. A line that
/// would only loosen the pack is left out.
pub(super) fn write(
    f: &mut Formatter<'_>,
    proposals: &[Proposal],
    comparisons: &[Comparisons],
) -> fmt::Result {
    let mut best: BTreeMap<_, Choice<'_>> = BTreeMap::new();
    for proposal in proposals.iter().filter(|one| one.false_match_rate <= WORTH_A_LINE) {
        let pack = comparisons.iter().find(|one| one.pictures == proposal.pictures);
        if let (Some(threshold), Some(pack)) = (&proposal.threshold, pack) {
            // Rates descend, so the last one is the lowest.
            let Pictures { enrolled, shown } = proposal.pictures;
            best.insert((shown, enrolled), Choice { proposal, threshold, pack });
        }
    }
    best.retain(|_, choice| choice.is_no_looser());
    let stated = comparisons.iter().map(|one| one.stated_rate).fold(0.0, f64::max);
    if best.is_empty() {
        return writeln!(
            f,
            "\nYour pictures support no rate as strict as the pack's ({stated:e}): keep its thresholds."
        );
    }
    writeln!(
        f,
        "\nFor pack.toml, each at the lowest rate that these pictures support. Replace the entries with \
         the same `enrolled` and `probes`, and keep the others. The server warns about a rate above \
         1e-5."
    )?;
    best.values().try_for_each(|choice| line(f, choice))
}

fn line(f: &mut Formatter<'_>, Choice { proposal, threshold, .. }: &Choice<'_>) -> fmt::Result {
    writeln!(f, "\n[[thresholds]]")?;
    writeln!(f, "enrolled = {}", proposal.pictures.enrolled)?;
    writeln!(f, "probes = {}", proposal.pictures.shown)?;
    writeln!(f, "distance = {:.3}", threshold.distance)?;
    writeln!(f, "false_match_rate = {:e}", proposal.false_match_rate)?;
    match threshold.owners {
        Some(Rate { rate, .. }) => writeln!(f, "false_non_match_rate = {rate:.4}"),
        None => writeln!(f, "false_non_match_rate = 1.0 # not measured"),
    }
}
