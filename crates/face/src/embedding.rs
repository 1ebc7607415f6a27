//! Face embeddings: directions in 128 dimensions. Those of one person lie close together.
//!
//! This is the plain vector. Storing, sealing and rotating templates is done elsewhere.

use std::fmt;
use zeroize::ZeroizeOnDrop;

/// Number of values in one embedding.
pub const DIMENSIONS: usize = 128;

/// The embedding of one face, or the mean of several: 128 finite values of unit length.
///
/// It identifies a person like a fingerprint, so it is wiped when dropped and never printed.
#[derive(Clone, PartialEq, ZeroizeOnDrop)]
pub struct Embedding([f32; DIMENSIONS]);

impl Embedding {
    /// The embedding in the direction of `values`; `None` if they are all zero or not finite.
    #[must_use]
    pub fn normalised(values: [f32; DIMENSIONS]) -> Option<Embedding> {
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let usable = length.is_finite() && length > f32::MIN_POSITIVE;
        usable.then(|| Embedding(values.map(|value| value / length)))
    }

    /// The mean direction of `embeddings`; `None` if the slice is empty or the embeddings cancel
    /// out.
    #[must_use]
    pub fn mean_of(embeddings: &[Embedding]) -> Option<Embedding> {
        let mut sum = Embedding([0.0; DIMENSIONS]);
        for embedding in embeddings {
            sum.0.iter_mut().zip(&embedding.0).for_each(|(sum, value)| *sum += value);
        }
        Embedding::normalised(sum.0)
    }

    /// Euclidean distance, 0 to 2: about 0.2 to 0.3 between pictures of one person, 0.6 between
    /// different persons.
    #[must_use]
    pub fn distance(&self, other: &Embedding) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    /// The values.
    #[must_use]
    pub fn as_array(&self) -> &[f32; DIMENSIONS] {
        &self.0
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedding(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(index: usize, value: f32) -> [f32; DIMENSIONS] {
        let mut values = [0.0; DIMENSIONS];
        values[index] = value;
        values
    }

    #[test]
    fn perpendicular_embeddings_are_the_root_of_two_apart() {
        let (a, b) = (
            Embedding::normalised(axis(0, 3.0)).unwrap(),
            Embedding::normalised(axis(1, 9.0)).unwrap(),
        );
        assert!((a.distance(&b) - 2.0_f32.sqrt()).abs() < 1e-6);
        assert!(a.distance(&a) < 1e-6);
    }

    #[test]
    fn the_mean_is_equally_far_from_both_embeddings() {
        let both =
            [axis(0, 1.0), axis(1, 1.0)].map(|values| Embedding::normalised(values).unwrap());
        let mean = Embedding::mean_of(&both).unwrap();
        assert!((mean.distance(&both[0]) - mean.distance(&both[1])).abs() < 1e-6);
    }

    #[test]
    fn values_without_a_direction_are_no_embedding() {
        assert_eq!(Embedding::normalised(axis(0, 0.0)), None);
        assert_eq!(Embedding::normalised(axis(0, f32::NAN)), None);
        assert_eq!(Embedding::normalised(axis(0, f32::INFINITY)), None);
        assert_eq!(Embedding::mean_of(&[]), None);
    }

    #[test]
    fn debug_output_hides_the_embedding() {
        let embedding = Embedding::normalised(axis(7, 1.0)).unwrap();
        assert_eq!(format!("{embedding:?}"), "Embedding(…)");
    }
}
