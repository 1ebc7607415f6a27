//! One face out of several pictures: those that are different pictures, that they agree, and their mean.
//!
//! Enrolment and login use the same rule. How far a likeness may be from a template is not decided here.

use crate::{embedding::Embedding, refusal::Refusal};

/// Furthest two pictures of one person may lie apart.
///
/// Wider than any threshold for logging in, because single pictures scatter more than their mean. On 560
/// pictures of Labeled Faces in the Wild, 3 of 100 pairs of strangers lie so close, and 1.2 of 100 pairs of
/// one person lie further apart. The bound therefore refuses arbitrary mixtures; against a mixture of
/// look-alikes there is [`Limits::single`](crate::Limits).
pub const AGREEMENT: f32 = 0.45;

/// Pictures nearer to each other than this are the same picture.
///
/// The same 560 pictures: a picture that was compressed again, halved in size, mirrored, turned by 4°, cut
/// or made brighter lies at most 0.096 from itself, and 1 of 900 pairs of one person lies so close. A
/// repeated picture has the scatter of one picture and is judged like one.
pub const SAME_PICTURE: f32 = 0.10;

/// What several pictures of one person say together. Holds at least one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    pictures: Vec<Embedding>,
    mean: Embedding,
}

impl Likeness {
    /// The likeness of pictures that show the same face. A picture that repeats an earlier one
    /// ([`SAME_PICTURE`]) adds nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal::Disagree`] if any two are [`AGREEMENT`] apart or further, [`Refusal::NoFace`] if
    /// `pictures` is empty.
    pub fn of(pictures: &[Embedding]) -> Result<Likeness, Refusal> {
        let pictures = distinct(pictures);
        if !agree(&pictures) {
            return Err(Refusal::Disagree);
        }
        let mean = Embedding::mean_of(&pictures).ok_or(Refusal::NoFace)?;
        Ok(Likeness { pictures, mean })
    }

    /// The mean of the different pictures. One picture is its own mean.
    #[must_use]
    pub fn mean(&self) -> &Embedding {
        &self.mean
    }

    /// The different pictures, 1 or more.
    #[must_use]
    pub fn pictures(&self) -> &[Embedding] {
        &self.pictures
    }

    /// How many different pictures there are; the number that a threshold is chosen by.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.pictures.len()).unwrap_or(u8::MAX)
    }
}

/// The embeddings without those that repeat an earlier one.
fn distinct(embeddings: &[Embedding]) -> Vec<Embedding> {
    let mut kept: Vec<Embedding> = Vec::new();
    for embedding in embeddings {
        if kept.iter().all(|earlier| earlier.distance(embedding) >= SAME_PICTURE) {
            kept.push(embedding.clone());
        }
    }
    kept
}

/// Whether all pairs are nearer than [`AGREEMENT`].
fn agree(pictures: &[Embedding]) -> bool {
    pictures.iter().enumerate().all(|(index, picture)| {
        pictures[index + 1..].iter().all(|other| picture.distance(other) < AGREEMENT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DIMENSIONS;

    /// A picture at this distance from the first axis, towards another axis.
    fn picture(towards: usize, distance: f32) -> Embedding {
        let mut values = [0.0; DIMENSIONS];
        values[0] = 1.0 - distance * distance / 2.0;
        values[towards] = (1.0 - values[0] * values[0]).max(0.0).sqrt();
        Embedding::normalised(values).unwrap()
    }

    fn counted(pictures: &[Embedding]) -> Result<u8, Refusal> {
        Likeness::of(pictures).map(|likeness| likeness.count())
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
        assert_eq!(Likeness::of(&repeated), Likeness::of(&[first.clone(), second]));
        assert_eq!(counted(&vec![first.clone(); 5]), Ok(1));
        assert_eq!(counted(&[first, picture(1, 0.11)]), Ok(2));
    }
}
