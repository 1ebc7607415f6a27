//! G-18: two independent verifiers find every change to the audit log, and neither reports a change
//! in an untouched log.
//!
//! The real store writes every log. Each is verified, tampered with, and verified again. The
//! control has no exported checkpoints, so it must miss what is signed with the machine's own keys.

mod life;
mod peer;
mod second;
mod signer;
mod speed;
mod tamper;

use crate::{
    chance::Chance,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use fourauth_audit_verify::{Options, verify};
use life::Log;
use second::{Second, Verdict};
use serde_json::json;
use std::collections::BTreeMap;
use tamper::Tampering;

/// Seed of the random numbers.
const SEED: u64 = 18;

/// The threat model's minimum, for one core.
const ROWS_PER_SECOND: f64 = 200_000.0;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let logs = setup.count(1000, 40);
    let mut tally = Tally::default();
    let mut second = match defence {
        Defence::On => Some(Second::start()?),
        Defence::Off => None,
    };
    for number in 0..logs {
        let mut chance = Chance::of(SEED + u64::from(number));
        let log = Log::grow(&mut chance).await.context("growing a log")?;
        tally.clean(&log, second.as_mut(), defence).await?;
        let tampering = Tampering::apply(&log, &mut chance)?;
        tally.tampered(&log, tampering, second.as_mut(), defence).await?;
        if number % 100 == 99 {
            setup.say(&format!("{} logs", number + 1));
        }
    }
    let mut figures = Figures::default();
    tally.report(logs, defence, &mut figures);
    if defence == Defence::On {
        rows_per_second(setup, &mut figures).await?;
    }
    Ok(figures)
}

/// Short runs use an unoptimised build, so their rates have no limit.
async fn rows_per_second(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let [of_database, of_export] = speed::rows_per_second(setup.count(500_000, 2_000)).await?;
    for (name, rate) in [("database", of_database), ("export", of_export)] {
        let name = format!("{name}_rows_per_second");
        if setup.is_short {
            figures.note(&name, rate.round());
        } else {
            figures.at_least(&name, rate.round(), ROWS_PER_SECOND);
        }
    }
    Ok(())
}

/// What the auditor has: everything, or only what the machine also had.
fn options(log: &Log, defence: Defence) -> Options {
    let all = log.options();
    match defence {
        Defence::On => all,
        Defence::Off => Options { checkpoints: Vec::new(), epoch_keys: Vec::new(), ..all },
    }
}

/// What an auditor may have, from the least to the most.
const EVIDENCE: [(&str, bool, bool); 4] = [
    ("key", false, false),
    ("key_and_epoch_key", true, false),
    ("key_and_exported_checkpoints", false, true),
    ("all", true, true),
];

/// How often a change was found with each of [`EVIDENCE`].
fn found_with(log: &Log) -> [u32; 4] {
    EVIDENCE.map(|(_, has_epoch_keys, has_exported)| {
        let mut options = log.options();
        if !has_epoch_keys {
            options.epoch_keys.clear();
        }
        if !has_exported {
            options.checkpoints.clear();
        }
        u32::from(Verdict::of(&verify(&log.database(), &options)).exit != 0)
    })
}

/// Results of the verifiers, compared with the expected ones.
#[derive(Debug, Default)]
struct Tally {
    false_alarms: u32,
    missed: u32,
    disagreements: u32,
    rows: u64,
    /// For each way of tampering: how often it was applied, and how often it was missed.
    ways: BTreeMap<&'static str, [u32; 2]>,
    /// For each way, how often it was found with each of [`EVIDENCE`].
    found: BTreeMap<&'static str, [u32; 4]>,
}

impl Tally {
    async fn clean(
        &mut self,
        log: &Log,
        second: Option<&mut Second>,
        defence: Defence,
    ) -> anyhow::Result<()> {
        let found = Verdict::of(&verify(&log.database(), &options(log, defence)));
        self.rows += found.rows;
        self.false_alarms += u32::from(found.exit != 0);
        if found.exit != 0 {
            eprintln!("false alarm: {found:?}");
        }
        self.compare(log, &found, second).await
    }

    async fn tampered(
        &mut self,
        log: &Log,
        tampering: Tampering,
        second: Option<&mut Second>,
        defence: Defence,
    ) -> anyhow::Result<()> {
        let found = Verdict::of(&verify(&log.database(), &options(log, defence)));
        let is_missed = u32::from(found.exit == 0);
        let [gone, missed] = self.ways.entry(tampering.way).or_default();
        (*gone, *missed) = (*gone + 1, *missed + is_missed);
        self.missed += is_missed;
        let sum = self.found.entry(tampering.way).or_default();
        for (sum, found) in sum.iter_mut().zip(found_with(log)) {
            *sum += found;
        }
        if is_missed == 1 && defence == Defence::On {
            eprintln!("missed: {tampering:?}");
        }
        self.compare(log, &found, second).await
    }

    /// Both verifiers must report the same about every row, or both must fail to read the log.
    async fn compare(
        &mut self,
        log: &Log,
        found: &Verdict,
        second: Option<&mut Second>,
    ) -> anyhow::Result<()> {
        let Some(second) = second else { return Ok(()) };
        let other = second.verify(log).await?;
        if other != *found {
            self.disagreements += 1;
            eprintln!("the verifiers disagree: {found:?} {other:?}");
        }
        Ok(())
    }

    /// Each way with what is needed to find it: how often it was found with each evidence, of how
    /// often it was applied.
    fn table(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, String>> {
        let line = |(way, found): (&&'static str, &[u32; 4])| {
            let applied = self.ways.get(way).map_or(0, |[applied, _]| *applied);
            let cells = EVIDENCE.iter().zip(found);
            (*way, cells.map(|((name, ..), found)| (*name, format!("{found}/{applied}"))).collect())
        };
        self.found.iter().map(line).collect()
    }

    fn report(self, logs: u32, defence: Defence, figures: &mut Figures) {
        figures.note("logs", logs);
        figures.note("rows", self.rows);
        figures.note("ways", self.ways.len());
        figures.exactly("false_alarms", self.false_alarms, 0);
        figures.exactly("missed", self.missed, 0);
        match defence {
            Defence::On => {
                figures.exactly("disagreements", self.disagreements, 0);
                figures.note("found_of_applied", json!(self.table()));
            }
            Defence::Off => {
                let missed = self.ways.iter().filter(|(_, [_, missed])| *missed > 0);
                let missed: Vec<_> = missed.map(|(way, _)| *way).collect();
                figures.note("missed_ways", missed);
            }
        }
    }
}
