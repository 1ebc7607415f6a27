//! Face embeddings: directions in 64 to 512 dimensions, as many as the pack has. Those of one person
//! lie close together.
//!
//! This is the plain vector. Storing, sealing and rotating templates is done elsewhere.

use std::{fmt, ops::RangeInclusive};
use zeroize::ZeroizeOnDrop;

/// Number of values that the embeddings of a pack may have.
pub const DIMENSIONS: RangeInclusive<usize> = 64..=512;

/// The embedding of one face, or the mean of several: finite values of unit length.
///
/// It identifies a person like a fingerprint, so it is wiped when dropped and never printed.
#[derive(Clone, PartialEq, ZeroizeOnDrop)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// The embedding in the direction of `values`; `None` if they are all zero or not finite.
    #[must_use]
    pub fn normalised(values: Vec<f32>) -> Option<Embedding> {
        let mut embedding = Embedding(values);
        let length = embedding.0.iter().map(|value| value * value).sum::<f32>().sqrt();
        embedding.0.iter_mut().for_each(|value| *value /= length);
        (length.is_finite() && length > f32::MIN_POSITIVE).then_some(embedding)
    }

    /// The mean direction of `embeddings`; `None` if the slice is empty, if the embeddings cancel
    /// out, or if they are of different packs.
    #[must_use]
    pub fn mean_of(embeddings: &[Embedding]) -> Option<Embedding> {
        let (first, others) = embeddings.split_first()?;
        let mut sum = first.clone();
        for other in others {
            if other.0.len() != sum.0.len() {
                return None;
            }
            sum.0.iter_mut().zip(&other.0).for_each(|(sum, value)| *sum += value);
        }
        Embedding::normalised(std::mem::take(&mut sum.0))
    }

    /// Euclidean distance, 0 to 2; √2 between unrelated directions. Infinite if the two do not have
    /// the same number of values, because they cannot be of one pack then.
    #[must_use]
    pub fn distance(&self, other: &Embedding) -> f32 {
        if self.0.len() != other.0.len() {
            return f32::INFINITY;
        }
        self.0.iter().zip(&other.0).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[f32] {
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

    fn axis(index: usize, value: f32) -> Vec<f32> {
        let mut values = vec![0.0; 64];
        values[index] = value;
        values
    }

    fn along(index: usize) -> Embedding {
        Embedding::normalised(axis(index, 3.0)).unwrap()
    }

    #[test]
    fn perpendicular_embeddings_are_the_root_of_two_apart() {
        let (a, b) = (along(0), along(1));
        assert!((a.distance(&b) - 2.0_f32.sqrt()).abs() < 1e-6);
        assert!(a.distance(&a) < 1e-6);
    }

    #[test]
    fn the_mean_is_equally_far_from_both_embeddings() {
        let both = [along(0), along(1)];
        let mean = Embedding::mean_of(&both).unwrap();
        assert!((mean.distance(&both[0]) - mean.distance(&both[1])).abs() < 1e-6);
    }

    #[test]
    fn embeddings_of_different_lengths_are_never_near() {
        let longer = Embedding::normalised(vec![1.0; 128]).unwrap();
        assert!(along(0).distance(&longer).is_infinite());
        assert_eq!(Embedding::mean_of(&[along(0), longer]), None);
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
        assert_eq!(format!("{:?}", along(7)), "Embedding(…)");
    }
}
