//! The result of a measurement, with names of files and without embeddings.

mod columns;
mod lines;
mod live_text;
mod svg;
mod text;

use crate::{
    Examination, Gallery,
    compare::{Compared, NUMBERS, Pictures, compared},
    enrolment::{Enrolments, enrolments},
    liveness::Liveness,
    people::{Files, Folder, Person, folders},
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
    /// Processor time.
    pub times: Times,
    /// Enrolments and comparisons, if there are pictures of people.
    pub faces: Option<Faces>,
    /// Live pictures and prints, if the pack judges them.
    pub liveness: Option<Liveness>,
}

/// Enrolments and comparisons.
#[derive(Debug, Clone, Serialize)]
pub struct Faces {
    /// The files of the folder.
    pub files: Files,
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

/// A folder and the results of its files.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The folder.
    pub gallery: &'a Gallery,
    /// The results.
    pub examination: &'a Examination,
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
    /// The false match rate that the pack states for that distance.
    pub stated_rate: f64,
    /// Owners that are refused; `None` if no person has enough pictures.
    pub owners: Option<Rate>,
    /// Strangers that are accepted; `None` if there are no two people with enough pictures.
    pub strangers: Option<Rate>,
}

impl Report {
    /// The steps of [`Report::of`], for its progress.
    #[must_use]
    pub fn steps(people: &Gallery) -> usize {
        people.people.len() * NUMBERS.len()
    }

    /// Compares all people with each other, and judges prints. `judges_liveness` is false if the
    /// server would accept faces that are not live. `step` is called up to [`Report::steps`] times.
    #[must_use]
    pub fn of(
        pack: &Pack,
        judges_liveness: bool,
        people: Option<Measured<'_>>,
        prints: Option<Measured<'_>>,
        step: &(dyn Fn() + Sync),
    ) -> Report {
        let rules = Rules::of(pack, judges_liveness);
        let folders = |measured: Measured<'_>| folders(measured.gallery, measured.examination);
        let sorted = people.map(folders);
        let live = sorted.as_ref().map_or(&[][..], |(folders, _)| folders);
        let sorted_prints = prints.map(folders);
        let prints_of = || sorted_prints.as_ref().map(|(some, files)| (&some[..], files.clone()));
        let liveness = pack
            .live_threshold()
            .map(|threshold| Liveness::of(threshold, live, prints_of(), &rules));
        Report {
            pack: pack.name().to_owned(),
            pack_id: pack.id().to_string(),
            times: Times::of([people, prints].into_iter().flatten().map(|it| it.examination)),
            liveness,
            faces: sorted.map(|(folders, files)| Faces::of(folders, files, &rules, step)),
        }
    }
}

impl Faces {
    fn of(folders: Vec<Folder>, files: Files, rules: &Rules, step: &(dyn Fn() + Sync)) -> Faces {
        let files = files.with(&folders, rules);
        let people: Vec<Person> =
            folders.into_iter().map(|folder| Person::of(folder, rules)).collect();
        let compared: Vec<Compared> =
            NUMBERS.iter().map(|pictures| compared(&people, rules, *pictures, step)).collect();
        Faces {
            files,
            enrolments: enrolments(&people, rules),
            comparisons: compared.iter().map(|it| Comparisons::of(it, rules)).collect(),
            proposals: compared.iter().flat_map(proposals).collect(),
            furthest: furthest(&people),
            nearest: nearest(&people),
            charts: compared.iter().map(svg::Chart::of).collect(),
        }
    }
}

impl Comparisons {
    fn of(compared: &Compared, rules: &Rules) -> Comparisons {
        let level = usize::from(compared.levels.place(compared.limits.mean));
        let some = |rate: Rate| (rate.comparisons > 0).then_some(rate);
        Comparisons {
            pictures: compared.pictures,
            threshold: compared.limits.mean,
            single_threshold: compared.limits.single,
            stated_rate: rules.stated_rate(compared.pictures),
            owners: some(Rate::from(&compared.genuine.evidence(level))),
            strangers: some(Rate::from(&compared.strangers.evidence(level))),
        }
    }
}
