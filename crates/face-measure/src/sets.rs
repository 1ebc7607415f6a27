//! The sets of pictures that are enrolled and shown.
//!
//! The faces of a person form a ring in the order of their names. A set is `size` neighbours in the
//! ring, so there are as many sets as faces, or one set if all faces are in it. Nothing is drawn by
//! chance: the same folder always gives the same sets.

use crate::{people::NamedFace, rules::Rules};
use fourauth_face::Embedding;

/// Several pictures that are enrolled or shown at once, combined by the rules of a login.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// The mean of the distinct pictures.
    pub(crate) mean: Embedding,
    /// The places of the distinct pictures among the person's faces.
    pub(crate) distinct: Vec<usize>,
}

impl Set {
    /// The number of distinct pictures, which selects the threshold.
    pub(crate) fn count(&self) -> usize {
        self.distinct.len()
    }
}

/// The number of sets of `size` of `faces` faces.
pub(crate) fn sets_of(faces: usize, size: usize) -> usize {
    match faces.cmp(&size) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Greater => faces,
    }
}

/// The places of the set that begins at `start`, in a ring of `ring` places.
pub(crate) fn places(start: usize, size: usize, ring: usize) -> impl Iterator<Item = usize> {
    (start..start + size).map(move |place| place % ring)
}

/// Every set of `size` of these faces, by its start. `None` is a set of pictures that disagree.
pub(crate) fn sets(faces: &[NamedFace], size: usize, rules: &Rules) -> Vec<Option<Set>> {
    (0..sets_of(faces.len(), size)).map(|start| set(faces, start, size, rules)).collect()
}

fn set(faces: &[NamedFace], start: usize, size: usize, rules: &Rules) -> Option<Set> {
    let taken: Vec<usize> = places(start, size, faces.len()).collect();
    let embeddings: Vec<Embedding> =
        taken.iter().map(|&place| faces[place].embedding.clone()).collect();
    let likeness = rules.combined(&embeddings)?;
    let place = |kept: &Embedding| {
        taken
            .iter()
            .zip(&embeddings)
            .find(|(_, embedding)| *embedding == kept)
            .map(|(place, _)| *place)
    };
    let distinct = likeness.pictures().iter().filter_map(place).collect();
    Some(Set { mean: likeness.mean().clone(), distinct })
}
