//! Combines several pictures of one face: drops repeated pictures, checks that the others agree,
//! and computes their mean.
//!
//! Enrolment and login use the same rule. The distance allowed from a template is decided
//! elsewhere.

use crate::{embedding::Embedding, refusal::Refusal, thresholds::UNRELATED};
use serde::{Deserialize, Serialize};

/// How the pictures of one command are compared with each other. All distances are Euclidean
/// between normalised embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LikenessRules {
    /// Two pictures of one person must be nearer to each other than this.
    ///
    /// It is larger than any login threshold, because single pictures scatter more than their mean.
    /// So it refuses arbitrary mixtures; [`Limits::single`](crate::Limits) refuses mixtures of
    /// look-alikes.
    pub agreement: f32,
    /// Pictures nearer to each other than this count as the same picture. A repeated picture has
    /// the scatter of one picture and is judged as one.
    pub same_picture: f32,
    /// The factor by which a picture among several may lie further away than a login with one
    /// picture.
    pub scatter: f32,
    /// Number of pictures that a login should have, 1 to 5.
    #[serde(default = "three")]
    pub at_login: u8,
}

const fn three() -> u8 {
    3
}

impl LikenessRules {
    /// The rules for dlib's network with mirror images.
    ///
    /// On 560 pictures of Labeled Faces in the Wild, 3 of 100 pairs of different persons are within
    /// the agreement, and 1.2 of 100 pairs of one person are not. A picture that was recompressed,
    /// halved in size, mirrored, turned by 4°, cropped or brightened lies at most 0.096 from the
    /// original, and 1 of 900 pairs of one person is that close. With the scatter, the false match
    /// rate of one picture is 1e-3 instead of 1e-5 (0.353 and 0.278 with five pictures enrolled).
    pub const DLIB: LikenessRules =
        LikenessRules { agreement: 0.45, same_picture: 0.10, scatter: 1.25, at_login: 3 };

    /// The first flaw of rules from a file.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        if !(self.same_picture > 0.0 && self.same_picture < self.agreement) {
            Some("same_picture must lie between 0 and agreement")
        } else if !(0.0..UNRELATED).contains(&self.agreement) {
            Some("agreement must be less than 1.414, the distance of unrelated pictures")
        } else if !(1.0..=2.0).contains(&self.scatter) {
            Some("scatter must lie between 1 and 2")
        } else if !(1..=5).contains(&self.at_login) {
            Some("at_login must be 1 to 5")
        } else {
            None
        }
    }
}

/// The distinct pictures of one person and their mean. Holds at least one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    pictures: Vec<Embedding>,
    mean: Embedding,
}

impl Likeness {
    /// Combines pictures of the same face. A picture that repeats an earlier one is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::Disagree`] if any two do not agree, [`Refusal::NoFace`] if
    /// `pictures` is empty.
    pub fn of(pictures: &[Embedding], rules: &LikenessRules) -> Result<Likeness, Refusal> {
        let pictures = distinct(pictures, rules.same_picture);
        if !agree(&pictures, rules.agreement) {
            return Err(Refusal::Disagree);
        }
        let mean = Embedding::mean_of(&pictures).ok_or(Refusal::NoFace)?;
        Ok(Likeness { pictures, mean })
    }

    /// The likeness of one picture.
    #[must_use]
    pub fn of_one(picture: Embedding) -> Likeness {
        Likeness { pictures: vec![picture.clone()], mean: picture }
    }

    /// The mean of the distinct pictures. The mean of one picture is the picture itself.
    #[must_use]
    pub fn mean(&self) -> &Embedding {
        &self.mean
    }

    /// The distinct pictures, at least one.
    #[must_use]
    pub fn pictures(&self) -> &[Embedding] {
        &self.pictures
    }

    /// The number of distinct pictures, which selects the threshold.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.pictures.len()).unwrap_or(u8::MAX)
    }
}

/// The embeddings without those that repeat an earlier one.
fn distinct(embeddings: &[Embedding], same_picture: f32) -> Vec<Embedding> {
    let mut kept: Vec<Embedding> = Vec::new();
    for embedding in embeddings {
        if kept.iter().all(|earlier| earlier.distance(embedding) >= same_picture) {
            kept.push(embedding.clone());
        }
    }
    kept
}

/// True if all pairs are nearer than this.
fn agree(pictures: &[Embedding], agreement: f32) -> bool {
    pictures.iter().enumerate().all(|(index, picture)| {
        pictures[index + 1..].iter().all(|other| picture.distance(other) < agreement)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An embedding at this distance from the first axis, in the direction of another axis.
    fn picture(towards: usize, distance: f32) -> Embedding {
        let mut values = vec![0.0; 64];
        values[0] = 1.0 - distance * distance / 2.0;
        values[towards] = (1.0 - values[0] * values[0]).max(0.0).sqrt();
        Embedding::normalised(values).unwrap()
    }

    fn counted(pictures: &[Embedding]) -> Result<u8, Refusal> {
        Likeness::of(pictures, &LikenessRules::DLIB).map(|likeness| likeness.count())
    }

    #[test]
    fn one_picture_that_disagrees_refuses_all() {
        let agreeing = [picture(1, 0.0), picture(1, 0.2), picture(2, 0.2)];
        assert_eq!(counted(&agreeing), Ok(3));
        for place in 0..=3 {
            let mut pictures = agreeing.to_vec();
            pictures.insert(place, picture(3, 0.46));
            assert_eq!(counted(&pictures), Err(Refusal::Disagree), "at place {place}");
        }
        assert_eq!(counted(&[]), Err(Refusal::NoFace));
    }

    #[test]
    fn a_repeated_picture_counts_once() {
        let (first, second) = (picture(1, 0.0), picture(2, 0.3));
        let repeated =
            [&first, &picture(1, 0.09), &first, &picture(3, 0.05), &second].map(Clone::clone);
        let of = |pictures| Likeness::of(pictures, &LikenessRules::DLIB);
        assert_eq!(of(&repeated), of(&[first.clone(), second]));
        assert_eq!(counted(&vec![first.clone(); 5]), Ok(1));
        assert_eq!(counted(&[first, picture(1, 0.11)]), Ok(2));
    }
}
