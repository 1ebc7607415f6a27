//! The report about live pictures and prints as text for people.

use super::{
    columns::Columns,
    text::{files, percent},
};
use crate::{
    live_proposal::{LiveProposal, MOST_REFUSED},
    liveness::{Liveness, Scored, Step},
};
use fourauth_protocol::printable::printable;
use std::fmt::{self, Formatter};

/// Writes the rates of live pictures and prints.
pub(super) fn write(f: &mut Formatter<'_>, liveness: &Liveness) -> fmt::Result {
    if let Some(prints) = &liveness.prints {
        files(f, ["folder or single file", "folders or single files"], &prints.files)?;
    }
    writeln!(f, "\nLiveness, by the score of each picture with a face (live above a threshold)")?;
    let mut columns = Columns::new([
        "above",
        "live pictures refused (95 % interval)",
        "prints accepted (95 % interval)",
    ]);
    let Liveness { threshold, live_refused, prints, steps, .. } = liveness;
    if prints.is_none() {
        columns.hide(2);
    } else if live_refused.is_none() {
        columns.hide(1);
    }
    let accepted = prints.as_ref().and_then(|prints| prints.accepted);
    let at_pack = [
        format!("{threshold} (the pack's)"),
        percent(live_refused.as_ref()),
        percent(accepted.as_ref()),
    ];
    columns.add(at_pack);
    for Step { threshold, live_refused, prints_accepted } in steps {
        columns.add([
            threshold.to_string(),
            percent(live_refused.as_ref()),
            percent(prints_accepted.as_ref()),
        ]);
    }
    columns.write(f)?;
    proposals(f, liveness)?;
    scored(f, "Live pictures with the lowest scores", &liveness.least_live)?;
    let most_live = prints.as_ref().map_or(&[][..], |prints| &prints.most_live);
    scored(f, "Prints with the highest scores", most_live)
}

fn proposals(f: &mut Formatter<'_>, liveness: &Liveness) -> fmt::Result {
    if liveness.proposals.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\nThe least threshold at which the 95 % interval of accepted prints ends at a rate or below it"
    )?;
    let mut columns =
        Columns::new(["rate", "above", "live pictures refused (95 % interval)", "prints accepted"]);
    for proposal in &liveness.proposals {
        let LiveProposal { rate, least, folders_needed, .. } = proposal;
        let [above, live, prints] = match least {
            Some(Step { threshold, live_refused, prints_accepted }) => [
                threshold.to_string(),
                percent(live_refused.as_ref()),
                percent(prints_accepted.as_ref()),
            ],
            None if proposal.is_too_few() => {
                let needed = format!("too few prints: needs {folders_needed} folders or files");
                [needed, String::new(), String::new()]
            }
            None => ["none".to_owned(), String::new(), String::new()],
        };
        columns.add([format!("{:.0} %", 100.0 * rate), above, live, prints]);
    }
    if liveness.live_refused.is_none() {
        columns.hide(2);
    }
    columns.write(f)?;
    proposed(f, liveness)
}

/// The line for `pack.toml`, or why the pack should keep its own.
fn proposed(f: &mut Formatter<'_>, liveness: &Liveness) -> fmt::Result {
    let Liveness { live_refused, proposals, proposed_threshold, .. } = liveness;
    let most = 100.0 * MOST_REFUSED;
    if let Some(threshold) = proposed_threshold {
        return writeln!(
            f,
            "\nFor pack.toml, for the lowest of these rates with at most {most:.0} % of live pictures \
             refused:\n\n[liveness]\nthreshold = {threshold}"
        );
    }
    if proposals.iter().any(|proposal| proposal.affordable().is_some()) {
        return writeln!(f, "\nThe threshold of the pack is at least as strict: keep it.");
    }
    if live_refused.is_none() {
        return writeln!(
            f,
            "\nNo threshold is proposed without --pictures, which show how many live faces it refuses."
        );
    }
    writeln!(
        f,
        "\nNo threshold keeps to one of these rates with at most {most:.0} % of live pictures refused: \
         keep that of the pack."
    )
}

fn scored(f: &mut Formatter<'_>, title: &str, pictures: &[Scored]) -> fmt::Result {
    if pictures.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    let mut columns = Columns::new(["score", ""]);
    for Scored { live, picture } in pictures {
        columns.add([format!("{live:.3}"), printable(picture)]);
    }
    columns.write(f)
}
