//! The result of a measurement, with names of files and without embeddings.

mod svg;
mod text;

use crate::{
    Examination, Gallery,
    compare::{Compared, NUMBERS, Pictures, compared},
    enrolment::{Enrolments, enrolments},
    people::{Files, people},
    proposal::{Proposal, proposals},
    rate::Rate,
    rules::Rules,
    times::Times,
    worst::{Pair, furthest, nearest},
};
use fourauth_face::pack::Pack;
use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The name of the pack.
    pub pack: String,
    /// The id of the pack.
    pub pack_id: String,
    /// The files of the folder.
    pub files: Files,
    /// Processor time.
    pub times: Times,
    /// Attempts to enrol.
    pub enrolments: Vec<Enrolments>,
    /// Comparisons at the thresholds of the pack.
    pub comparisons: Vec<Comparisons>,
    /// Thresholds that the comparisons support.
    pub proposals: Vec<Proposal>,
    /// Pictures of one person that are furthest apart.
    pub furthest: Vec<Pair>,
    /// Pictures of different people that are nearest.
    pub nearest: Vec<Pair>,
    #[serde(skip)]
    charts: Vec<svg::Chart>,
}

/// The comparisons with some numbers of pictures, at the thresholds of the pack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparisons {
    /// The numbers of pictures.
    #[serde(flatten)]
    pub pictures: Pictures,
    /// Largest accepted distance of the mean.
    pub threshold: f32,
    /// Largest accepted distance of each picture alone.
    pub single_threshold: f32,
    /// Owners that are refused; `None` if no person has enough pictures.
    pub owners: Option<Rate>,
    /// Strangers that are accepted; `None` if there are no two people with enough pictures.
    pub strangers: Option<Rate>,
}

impl Report {
    /// The steps of [`Report::of`], for its progress.
    #[must_use]
    pub fn steps(gallery: &Gallery) -> usize {
        gallery.people.len() * NUMBERS.len()
    }

    /// Compares everybody with everybody. `step` is called up to [`Report::steps`] times.
    #[must_use]
    pub fn of(
        gallery: &Gallery,
        examination: &Examination,
        pack: &Pack,
        step: &(dyn Fn() + Sync),
    ) -> Report {
        let (people, files) = people(gallery, examination);
        let rules = Rules::of(pack);
        let compared: Vec<Compared> =
            NUMBERS.iter().map(|pictures| compared(&people, &rules, *pictures, step)).collect();
        Report {
            pack: pack.name().to_owned(),
            pack_id: pack.id().to_string(),
            files,
            times: Times::of(examination),
            enrolments: enrolments(&people, &rules),
            comparisons: compared.iter().map(Comparisons::of).collect(),
            proposals: compared.iter().flat_map(proposals).collect(),
            furthest: furthest(&people),
            nearest: nearest(&people),
            charts: compared.iter().map(svg::Chart::of).collect(),
        }
    }
}

impl Comparisons {
    fn of(compared: &Compared) -> Comparisons {
        let level = usize::from(compared.levels.place(compared.limits.mean));
        let some = |rate: Rate| (rate.comparisons > 0).then_some(rate);
        Comparisons {
            pictures: compared.pictures,
            threshold: compared.limits.mean,
            single_threshold: compared.limits.single,
            owners: some(Rate::from(&compared.genuine.evidence(level))),
            strangers: some(Rate::from(&compared.strangers.evidence(level))),
        }
    }
}
