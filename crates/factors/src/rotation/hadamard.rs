//! A rotation of random signs and Hadamard transforms, repeated. Its cost is n log n, and it takes a
//! few random bits for each dimension.
//!
//! Three repetitions stand in for a uniformly distributed rotation (Yu et al., "Orthogonal Random
//! Features", 2016; Choromanski et al., "The Unreasonable Effectiveness of Structured Random Orthogonal
//! Embeddings", 2017). Where n is not a power of two, two transforms that overlap cover all dimensions,
//! and more repetitions mix the two.

use super::{ChaCha20, StreamCipher as _};
use zeroize::Zeroize as _;

/// Repetitions for a power of two.
const ROUNDS: usize = 3;

/// Repetitions for other numbers of dimensions.
const OVERLAPPING_ROUNDS: usize = 6;

/// Rotates a vector of at least one value in place.
pub(super) fn rotate(vector: &mut [f32], stream: &mut ChaCha20) {
    let dimensions = vector.len();
    let block = power_of_two(dimensions);
    let rounds = if block == dimensions { ROUNDS } else { OVERLAPPING_ROUNDS };
    let mut signs = vec![0; dimensions];
    for _ in 0..rounds {
        flip(vector, stream, &mut signs);
        transform(&mut vector[..block]);
        if block < dimensions {
            transform(&mut vector[dimensions - block..]);
        }
    }
    flip(vector, stream, &mut signs);
    signs.zeroize();
}

/// The largest power of two that is not larger.
fn power_of_two(dimensions: usize) -> usize {
    dimensions.checked_ilog2().map_or(0, |exponent| 1 << exponent)
}

/// Changes each sign with a probability of one half.
fn flip(vector: &mut [f32], stream: &mut ChaCha20, signs: &mut [u8]) {
    signs.fill(0);
    stream.apply_keystream(signs);
    for (value, sign) in vector.iter_mut().zip(signs) {
        if *sign & 1 == 1 {
            *value = -*value;
        }
    }
}

/// The orthogonal Hadamard transform of a power of two of values (Fino and Algazi, "Unified Matrix
/// Treatment of the Fast Walsh-Hadamard Transform", 1976).
fn transform(block: &mut [f32]) {
    let mut half = 1;
    while half < block.len() {
        for pair in block.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = length(block.len()).sqrt().recip();
    for value in block.iter_mut() {
        *value *= scale;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
fn length(count: usize) -> f32 {
    count as f32
}
