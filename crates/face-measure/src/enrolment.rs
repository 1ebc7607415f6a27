//! How often an enrolment fails, by the rules of the server.

use crate::{
    Face,
    people::Person,
    rate::Rate,
    rules::Rules,
    sets::{places, sets_of},
};
use fourauth_face::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;

/// The measured numbers of pictures.
const NUMBERS: [u8; 3] = [1, 3, 5];

/// Attempts to enrol with a number of pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Enrolments {
    /// Pictures of an attempt.
    pub pictures: u8,
    /// Failed attempts.
    pub failed: Rate,
    /// Their codes.
    pub reasons: BTreeMap<String, u64>,
}

/// Tries every set of neighbouring pictures of each person, also of those that the pack refuses.
pub(crate) fn enrolments(people: &[Person], rules: &Rules) -> Vec<Enrolments> {
    NUMBERS.map(|pictures| enrolments_with(pictures, people, rules)).into()
}

fn enrolments_with(pictures: u8, people: &[Person], rules: &Rules) -> Enrolments {
    let size = usize::from(pictures);
    let mut reasons = BTreeMap::new();
    let mut counts = Vec::new();
    for person in people {
        let ring = person.pictures.len();
        let attempts = sets_of(ring, size);
        let mut failed = 0;
        for start in 0..attempts {
            let faces = places(start, size, ring).map(|place| &person.pictures[place].face);
            if let Some(code) = refused(&faces.collect::<Vec<_>>(), rules) {
                failed += 1;
                *reasons.entry(code).or_default() += 1;
            }
        }
        counts.push((failed, crate::count(attempts)));
    }
    Enrolments { pictures, failed: Rate::of_people(counts.into_iter()), reasons }
}

/// The code of the refusal, if the server would refuse to enrol these pictures: it needs more good
/// pictures than bad ones, and names the first fault.
fn refused(faces: &[&Result<Face, String>], rules: &Rules) -> Option<String> {
    let good: Vec<&Face> = faces.iter().filter_map(|face| face.as_ref().ok()).collect();
    if good.len() * 2 <= faces.len() {
        return faces.iter().find_map(|face| face.as_ref().err().cloned());
    }
    if !good.iter().all(|face| rules.counts_as_live(face)) {
        return Some(Refusal::NotLive.code().to_owned());
    }
    let embeddings: Vec<_> = good.iter().map(|face| face.embedding.clone()).collect();
    rules.combined(&embeddings).is_none().then(|| Refusal::Disagree.code().to_owned())
}
