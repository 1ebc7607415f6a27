//! How many live pictures a pack refuses as prints, and how many prints it accepts as live.
//!
//! ISO/IEC 30107-3 calls the first the bona fide presentation classification error rate, and the second
//! the attack presentation classification error rate. A picture that the quality gate refuses is in
//! neither: it is counted by itself.

use crate::{
    live_proposal::{LiveProposal, proposals, proposed},
    people::{Files, Folder},
    rate::Rate,
    rules::Rules,
};
use serde::Serialize;

/// Scores at which both rates are given, besides the threshold of the pack.
const STEPS: [f32; 7] = [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95];

/// Pictures that are listed.
const LISTED: usize = 10;

/// The result for a pack that judges liveness.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Liveness {
    /// A face is live if its score is above this.
    pub threshold: f32,
    /// Live pictures with a face that are refused; `None` without such pictures.
    pub live_refused: Option<Rate>,
    /// The live pictures with the lowest scores, the lowest first.
    pub least_live: Vec<Scored>,
    /// The prints, if there are any.
    pub prints: Option<Prints>,
    /// Both rates at other thresholds.
    pub steps: Vec<Step>,
    /// Thresholds that the prints support; empty without prints.
    pub proposals: Vec<LiveProposal>,
    /// A stricter threshold for the pack; `None` if its own should stay.
    pub proposed_threshold: Option<f32>,
    /// The scores of the live pictures and of the prints, the lowest first.
    #[serde(skip)]
    pub(crate) scores: [Vec<f32>; 2],
}

/// The result for pictures of prints or screens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prints {
    /// The files of the folder.
    pub files: Files,
    /// Prints with a face that are accepted; `None` if no print has a face that passes the quality
    /// gate.
    pub accepted: Option<Rate>,
    /// The prints with the highest scores, the highest first.
    pub most_live: Vec<Scored>,
}

/// A picture and how likely its face is live.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scored {
    /// The score, 0 to 1.
    pub live: f32,
    /// The name of the picture.
    pub picture: String,
}

/// The rates at another threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The threshold.
    pub threshold: f32,
    /// Live pictures that are refused.
    pub live_refused: Option<Rate>,
    /// Prints that are accepted.
    pub prints_accepted: Option<Rate>,
}

impl Liveness {
    /// Judges live pictures and prints by the threshold of a pack.
    #[expect(clippy::float_cmp, reason = "only the same number would be a repeated line")]
    pub(crate) fn of(
        threshold: f32,
        live: &[Folder],
        prints: Option<(&[Folder], Files)>,
        rules: &Rules,
    ) -> Liveness {
        let shown = prints.as_ref().map_or(&[][..], |(folders, _)| folders);
        let at = |threshold| Step::at(threshold, live, shown);
        let steps = STEPS.iter().filter(|step| **step != threshold).map(|step| at(*step));
        let proposals = proposals(at);
        let all = [live, shown].map(scored);
        let scores = all.each_ref().map(|scored| scored.iter().map(|one| one.live).collect());
        let [mut least_live, _] = all;
        least_live.truncate(LISTED);
        Liveness {
            threshold,
            live_refused: rate(live, |score| score <= threshold),
            least_live,
            steps: steps.collect(),
            proposed_threshold: proposed(threshold, &proposals),
            proposals,
            scores,
            prints: prints.map(|(folders, files)| Prints::of(threshold, folders, files, rules)),
        }
    }
}

impl Step {
    fn at(threshold: f32, live: &[Folder], prints: &[Folder]) -> Step {
        Step {
            threshold,
            live_refused: rate(live, |score| score <= threshold),
            prints_accepted: rate(prints, |score| score > threshold),
        }
    }
}

impl Prints {
    fn of(threshold: f32, folders: &[Folder], files: Files, rules: &Rules) -> Prints {
        let mut most_live = scored(folders);
        most_live.reverse();
        most_live.truncate(LISTED);
        Prints {
            files: files.with(folders, rules),
            accepted: rate(folders, |score| score > threshold),
            most_live,
        }
    }
}

/// The share of the faces with a wrong score. Pictures of one folder may err together.
fn rate(folders: &[Folder], is_error: impl Fn(f32) -> bool) -> Option<Rate> {
    let counts: Vec<(u64, u64)> = folders
        .iter()
        .map(|folder| {
            let errors = scores(folder).filter(|(score, _)| is_error(*score)).count();
            (crate::count(errors), crate::count(scores(folder).count()))
        })
        .collect();
    let rate = Rate::of_people(counts.into_iter());
    (rate.comparisons > 0).then_some(rate)
}

/// The scores of a folder's faces, with the names of the pictures.
fn scores(folder: &Folder) -> impl Iterator<Item = (f32, &str)> {
    folder.pictures.iter().filter_map(|picture| {
        let live = picture.face.as_ref().ok()?.live?;
        Some((live, picture.name.as_str()))
    })
}

/// All faces in the order of their scores, the lowest first.
fn scored(folders: &[Folder]) -> Vec<Scored> {
    let mut all: Vec<Scored> = folders
        .iter()
        .flat_map(scores)
        .map(|(live, name)| Scored { live, picture: name.to_owned() })
        .collect();
    all.sort_by(|a, b| a.live.total_cmp(&b.live).then_with(|| a.picture.cmp(&b.picture)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Face, people::Picture, testing};

    fn folder(person: &str, scores: &[Option<f32>]) -> Folder {
        let pictures = scores.iter().enumerate().map(|(place, score)| Picture {
            name: format!("{person}/{place}"),
            face: match score {
                Some(live) => Ok(Face { embedding: testing::embedding(1, 0.1), live: Some(*live) }),
                None => Err("no_face".to_owned()),
            },
        });
        Folder { person: person.to_owned(), pictures: pictures.collect() }
    }

    #[test]
    fn pictures_without_a_face_are_in_neither_rate() {
        let live = [folder("ann", &[Some(0.9), Some(0.4), None]), folder("bob", &[Some(0.8)])];
        let prints = [folder("screen", &[Some(0.1), Some(0.6), None, None])];
        let rules = testing::live_rules(0.5);
        let found = Liveness::of(0.5, &live, Some((&prints, Files::default())), &rules);
        let counted = |rate: Option<Rate>| rate.map(|rate| (rate.errors, rate.comparisons));
        assert_eq!(counted(found.live_refused), Some((1, 3)));
        let prints = found.prints.unwrap();
        assert_eq!(counted(prints.accepted), Some((1, 2)));
        assert_eq!((prints.files.pictures, prints.files.accepted), (4, 1));
        assert_eq!(prints.files.refused["face_not_live"], 1);
        assert_eq!(prints.files.refused["no_face"], 2);
        assert_eq!(found.least_live[0].picture, "ann/1");
        assert_eq!(prints.most_live[0].picture, "screen/1");
    }

    #[test]
    fn a_score_at_the_threshold_is_not_live() {
        let found = Liveness::of(0.5, &[folder("ann", &[Some(0.5)])], None, &testing::rules());
        assert_eq!(found.live_refused.unwrap().errors, 1);
    }
}
