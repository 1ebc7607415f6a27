//! The report as text for people.

use super::{
    Comparisons, Report,
    columns::{Columns, counted},
    lines, live_text,
};
use crate::{
    compare::Pictures,
    enrolment::Enrolments,
    people::Files,
    proposal::{Proposal, RATES, Threshold, people_needed},
    rate::Rate,
    times::Times,
    worst::Pair,
};
use fourauth_protocol::printable::printable;
use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

/// Names of files that are listed for each fault.
const NAMED: usize = 10;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Pack {}, id {}", self.pack, self.pack_id)?;
        times(f, &self.times)?;
        if let Some(measured) = &self.faces {
            files(f, ["person", "people"], &measured.files)?;
            if measured.files.people < 2 {
                writeln!(
                    f,
                    "No stranger was compared: that needs the pictures of at least two people."
                )?;
            }
            enrolments(f, &measured.enrolments)?;
            comparisons(f, &measured.comparisons)?;
            proposals(f, &measured.proposals, &measured.comparisons)?;
            pairs(f, "Pictures of one person, the furthest apart", &measured.furthest)?;
            pairs(f, "Pictures of different people, the nearest", &measured.nearest)?;
        }
        match &self.liveness {
            Some(measured) => live_text::write(f, measured),
            None => writeln!(f, "\nThis pack does not judge whether a face is live."),
        }
    }
}

pub(super) fn files(
    f: &mut Formatter<'_>,
    [one, several]: [&str; 2],
    files: &Files,
) -> fmt::Result {
    let Files { people, pictures, accepted, refused, .. } = files;
    let pictures = counted(*pictures, "picture", "pictures");
    let people = counted(*people, one, several);
    writeln!(f, "\n{pictures} of {people}. The pack accepts {accepted}.")?;
    if !refused.is_empty() {
        writeln!(f, "Refused: {}.", listed(refused))?;
    }
    if !files.not_pictures.is_empty() {
        writeln!(f, "Skipped, neither JPEG nor PNG: {}.", listed(&files.not_pictures))?;
    }
    if files.loose > 0 {
        writeln!(f, "Skipped, in no person's folder: {}.", files.loose)?;
    }
    if files.copies > 0 {
        writeln!(f, "Skipped, copies of a picture in the same folder: {}.", files.copies)?;
    }
    some_names(f, "Cannot be read", &files.unreadable)?;
    let shared: Vec<String> =
        files.in_several_folders.iter().map(|names| names.join(" = ")).collect();
    some_names(f, "Warning: one picture in the folders of different people, not counted", &shared)
}

fn some_names(f: &mut Formatter<'_>, title: &str, names: &[String]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title} ({}):", names.len())?;
    for name in names.iter().take(NAMED) {
        writeln!(f, "  {}", printable(name))?;
    }
    if names.len() > NAMED {
        writeln!(f, "  and {} more; --json lists them all", names.len() - NAMED)?;
    }
    Ok(())
}

fn times(f: &mut Formatter<'_>, times: &Times) -> fmt::Result {
    let Times { examined, known, median_ms, most_ms, longest_ms } = times;
    writeln!(
        f,
        "Processor time of a picture: half take up to {median_ms:.0} ms, 95 of 100 up to \
         {most_ms:.0} ms, the longest {longest_ms:.0} ms. Examined now: {examined}, before: {known}."
    )
}

fn enrolments(f: &mut Formatter<'_>, enrolments: &[Enrolments]) -> fmt::Result {
    writeln!(f, "\nEnrolments that fail")?;
    let mut columns = Columns::new(["pictures", "fail (95 % interval)", "reasons"]);
    for Enrolments { pictures, failed, reasons } in enrolments {
        let reasons = if reasons.is_empty() { "-".to_owned() } else { listed(reasons) };
        columns.add([pictures.to_string(), percent(some(*failed).as_ref()), reasons]);
    }
    columns.write(f)
}

fn comparisons(f: &mut Formatter<'_>, comparisons: &[Comparisons]) -> fmt::Result {
    writeln!(f, "\nAt the thresholds of the pack, by the rules of a login")?;
    let is_measured = |row: &&Comparisons| row.owners.is_some() || row.strangers.is_some();
    let mut columns = Columns::new([
        "enrolled",
        "shown",
        "up to",
        "owners refused (95 % interval)",
        "strangers accepted (95 % interval)",
    ]);
    for row in comparisons.iter().filter(is_measured) {
        columns.add([
            row.pictures.enrolled.to_string(),
            row.pictures.shown.to_string(),
            format!("{:.3}", row.threshold),
            percent(row.owners.as_ref()),
            power(row.strangers.as_ref()),
        ]);
    }
    if comparisons.iter().all(|row| row.strangers.is_none()) {
        columns.hide(4);
    }
    columns.write(f)?;
    let others: Vec<_> = comparisons.iter().filter(|row| !is_measured(row)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let numbers = others.iter().map(|row| {
        let Pictures { enrolled, shown } = row.pictures;
        format!("{enrolled} and {shown}")
    });
    writeln!(
        f,
        "  Too few pictures for these numbers enrolled and shown: {}.",
        numbers.collect::<Vec<_>>().join(", ")
    )
}

fn proposals(
    f: &mut Formatter<'_>,
    proposals: &[Proposal],
    comparisons: &[Comparisons],
) -> fmt::Result {
    if proposals.iter().all(|proposal| proposal.pairs == 0) {
        return Ok(());
    }
    if proposals.iter().all(Proposal::is_too_few) {
        too_few(f, proposals)?;
        return lines::write(f, proposals, comparisons);
    }
    writeln!(
        f,
        "\nThresholds at which the 95 % interval of accepted strangers ends at a rate or below it, \
         and the share of owners refused there"
    )?;
    // A row begins with two numbers, and has a cell for each rate.
    let row = |begin: [String; 2], cells: &[String]| -> [String; 2 + RATES.len()] {
        std::array::from_fn(|place| {
            begin.iter().chain(cells).nth(place).cloned().unwrap_or_default()
        })
    };
    let rates = RATES.map(|rate| format!("{rate:e}"));
    let header = row(["enrolled", "shown"].map(str::to_owned), &rates);
    let mut columns = Columns::new(header.each_ref().map(String::as_str));
    for of_numbers in proposals.chunks_exact(RATES.len()) {
        let Pictures { enrolled, shown } = of_numbers[0].pictures;
        let cells: Vec<String> = of_numbers.iter().map(cell).collect();
        columns.add(row([enrolled, shown].map(|number| number.to_string()), &cells));
    }
    columns.write(f)?;
    too_few(f, proposals)?;
    lines::write(f, proposals, comparisons)
}

/// Says which rates need more people.
fn too_few(f: &mut Formatter<'_>, proposals: &[Proposal]) -> fmt::Result {
    let lacking = proposals.iter().take(RATES.len()).filter(|rate| {
        proposals.iter().any(|one| one.pairs_needed == rate.pairs_needed && one.is_too_few())
    });
    let needs: Vec<_> = lacking
        .map(|Proposal { false_match_rate, pairs_needed, .. }| {
            let people = people_needed(*pairs_needed);
            format!("{false_match_rate:e} needs {people} people ({pairs_needed} pairs)")
        })
        .collect();
    if needs.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\nToo few people: {}, each with as many accepted pictures as are enrolled and shown.",
        needs.join(", ")
    )
}

fn cell(proposal: &Proposal) -> String {
    match &proposal.threshold {
        Some(Threshold { distance, owners: Some(Rate { rate, .. }), .. }) => {
            format!("{distance:.3}, {:.2} %", 100.0 * rate)
        }
        Some(Threshold { distance, owners: None, .. }) => format!("{distance:.3}, not measured"),
        None if proposal.is_too_few() => "too few".to_owned(),
        None => "none".to_owned(),
    }
}

fn pairs(f: &mut Formatter<'_>, title: &str, pairs: &[Pair]) -> fmt::Result {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    let mut columns = Columns::new(["distance", "", ""]);
    for Pair { distance, pictures: [one, other] } in pairs {
        columns.add([format!("{distance:.3}"), printable(one), printable(other)]);
    }
    columns.write(f)
}

/// Names with their counts, the highest count first.
fn listed<C: Display + Ord>(counts: &BTreeMap<String, C>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1));
    let texts = sorted.iter().map(|(name, count)| format!("{} {count}", printable(name)));
    texts.collect::<Vec<_>>().join(", ")
}

fn some(rate: Rate) -> Option<Rate> {
    (rate.comparisons > 0).then_some(rate)
}

pub(super) fn percent(rate: Option<&Rate>) -> String {
    let Some(Rate { errors, comparisons, units, rate, interval }) = rate else {
        return "not measured: too few pictures".to_owned();
    };
    let [rate, low, high] = [*rate, interval.low, interval.high].map(|share| 100.0 * share);
    format!(
        "{rate:.2} % ({low:.2} to {high:.2}), {errors} of {comparisons}, {}",
        counted(*units, "person", "people")
    )
}

fn power(rate: Option<&Rate>) -> String {
    let Some(Rate { errors, comparisons, units, rate, interval }) = rate else {
        return "not measured: too few people".to_owned();
    };
    let [rate, low, high] = [*rate, interval.low, interval.high].map(|share| match share {
        0.0 => "0".to_owned(),
        share => format!("{share:.1e}"),
    });
    format!(
        "{rate} ({low} to {high}), {errors} of {comparisons}, {} of people",
        counted(*units, "pair", "pairs")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Interval;
    use fourauth_face::Thresholds;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct PackLines {
        thresholds: Thresholds,
    }

    fn proposal(shown: u8, false_match_rate: f64, distance: Option<f32>) -> Proposal {
        let interval = Interval { low: 0.0, high: 1.0 };
        let rate = Rate { errors: 1, comparisons: 8, units: 8, rate: 0.125, interval };
        let threshold = |distance| Threshold {
            distance,
            strangers: rate,
            owners: (shown == 1).then_some(rate),
        };
        Proposal {
            pictures: Pictures { enrolled: 3, shown },
            false_match_rate,
            threshold: distance.map(threshold),
            pairs: 4000,
            pairs_needed: if distance.is_some() { 368 } else { 36_887 },
        }
    }

    /// What a pack with this threshold for every number gets to read.
    struct Shown<'a>(&'a [Proposal], f32);

    impl Display for Shown<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            let row = |shown| Comparisons {
                pictures: Pictures { enrolled: 3, shown },
                threshold: self.1,
                single_threshold: self.1,
                stated_rate: 1e-5,
                owners: None,
                strangers: None,
            };
            proposals(f, self.0, &[row(1), row(3)])
        }
    }

    #[test]
    fn proposed_lines_are_lines_of_a_pack() {
        let rows = [
            proposal(1, 1e-2, Some(0.391)),
            proposal(1, 1e-3, Some(0.338)),
            proposal(1, 1e-4, None),
            proposal(1, 1e-5, None),
            proposal(3, 1e-2, Some(0.360)),
            proposal(3, 1e-3, Some(0.310)),
            proposal(3, 1e-4, None),
            proposal(3, 1e-5, None),
        ];
        let text = Shown(&rows, 0.4).to_string();
        let (table, lines) = text.split_once("[[thresholds]]").unwrap();
        assert!(table.contains("0.391, 12.50 %") && table.contains("too few"), "{table}");
        assert!(table.contains("1e-4 needs 273 people (36887 pairs)"), "{table}");
        let lines: PackLines = toml::from_str(&format!("[[thresholds]]{lines}")).unwrap();
        let [one, three] = lines.thresholds.points() else { panic!("{text}") };
        assert_eq!((one.probes, three.probes), (1, 3));
        assert!((one.distance - 0.338).abs() < 1e-6 && (one.false_match_rate - 1e-3).abs() < 1e-9);
        assert!((three.false_non_match_rate - 1.0).abs() < 1e-6, "it was not measured");
    }

    #[test]
    fn a_rate_above_1_in_1000_gives_no_line() {
        let rows = RATES.map(|rate| proposal(1, rate, (rate > 5e-3).then_some(0.391)));
        assert!(Shown(&rows, 0.4).to_string().contains("keep its thresholds"));
    }

    #[test]
    fn a_line_that_would_only_loosen_the_pack_is_not_proposed() {
        let supported =
            |least: f64| RATES.map(|rate| proposal(1, rate, (rate >= least).then_some(0.391)));
        let few = Shown(&supported(1e-3), 0.3).to_string();
        assert!(!few.contains("[[thresholds]]"), "{few}");
        assert!(
            few.contains("no rate as strict as the pack's (1e-5): keep its thresholds"),
            "{few}"
        );
        // The pictures support the rate of the pack at a larger distance.
        assert!(Shown(&supported(1e-5), 0.3).to_string().contains("distance = 0.391"));
        // Or the pack's distance is too large for them.
        assert!(Shown(&supported(1e-3), 0.4).to_string().contains("distance = 0.391"));
    }

    #[test]
    fn a_name_of_a_file_cannot_add_a_line() {
        struct Pairs(Vec<Pair>);
        impl Display for Pairs {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                pairs(f, "nearest", &self.0)
            }
        }
        let names = ["ann/1\n0.000  bob/1.jpg", "\u{1b}[2Kcarol/1.jpg"].map(str::to_owned);
        let text = Pairs(vec![Pair { distance: 0.5, pictures: names }]).to_string();
        assert_eq!(text.trim().lines().count(), 3, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
