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
/// pictures than bad ones, and names the first fault. A face that is not live is a bad picture.
fn refused(faces: &[&Result<Face, String>], rules: &Rules) -> Option<String> {
    let mut good = Vec::new();
    let mut first_fault = None;
    for face in faces {
        match face {
            Ok(face) if rules.counts_as_live(face) => good.push(face.embedding.clone()),
            Ok(_) => {
                first_fault.get_or_insert(Refusal::NotLive.code());
            }
            Err(code) => {
                first_fault.get_or_insert(code.as_str());
            }
        }
    }
    if good.len() * 2 <= faces.len() {
        return first_fault.map(str::to_owned);
    }
    rules.combined(&good).is_none().then(|| Refusal::Disagree.code().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn face(towards: usize, distance: f32, live: f32) -> Face {
        Face { embedding: testing::embedding(towards, distance), live: Some(live) }
    }

    #[test]
    fn an_enrolment_needs_more_live_faces_than_other_pictures() {
        let (live, printed) = (Ok(face(1, 0.1, 0.9)), Ok(face(1, 0.1, 0.5)));
        let blurred = Err("face_blurred".to_owned());
        let stranger = Ok(face(2, 1.0, 0.9));
        let rules = testing::live_rules(0.5);
        let code = |faces: &[&Result<Face, String>]| refused(faces, &rules);
        assert_eq!(code(&[&printed, &live, &live, &blurred, &live]), None);
        let half = [&live, &blurred, &printed, &live];
        assert_eq!(code(&half).as_deref(), Some("face_blurred"));
        assert_eq!(code(&[&printed]).as_deref(), Some("face_not_live"));
        // Those that are kept must agree.
        let mixed = [&live, &printed, &stranger];
        assert_eq!(code(&mixed).as_deref(), Some("faces_disagree"));
    }
}
