//! A rotation that is uniformly distributed over the orthogonal group: the product of the Householder
//! reflections that take the first axis to a Gaussian direction, in n, n - 1, … 2 dimensions.
//!
//! Its cost grows with the square of the dimensions, in random numbers too, so it serves only the
//! templates that have it already.
//!
//! G. W. Stewart, "The efficient generation of random orthogonal matrices", SIAM J. Numer. Anal. 17,
//! 1980.

use super::{ChaCha20, StreamCipher as _};
use zeroize::Zeroize as _;

/// Rotates a vector in place.
pub(super) fn rotate(vector: &mut [f32], stream: &mut ChaCha20) {
    for start in 0..vector.len().saturating_sub(1) {
        let part = &mut vector[start..];
        let mut normal = mirror(gaussian(stream, part.len()));
        reflect(part, &normal);
        normal.zeroize();
    }
}

/// The unit normal of the reflection between the first axis and `direction`.
fn mirror(mut direction: Vec<f32>) -> Vec<f32> {
    direction[0] += norm(&direction).copysign(direction[0]);
    let length = norm(&direction);
    for x in &mut direction {
        *x /= length;
    }
    direction
}

fn norm(vector: &[f32]) -> f32 {
    vector.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// A vector of `length` independent Gaussian numbers, so that its direction is uniform.
fn gaussian(stream: &mut ChaCha20, length: usize) -> Vec<f32> {
    let mut vector: Vec<f32> = Vec::with_capacity(length + 1);
    while vector.len() < length {
        vector.extend(gaussian_pair(stream));
    }
    vector.truncate(length);
    vector
}

/// Two independent Gaussian numbers (Box and Muller, 1958), from 24 random bits each.
fn gaussian_pair(stream: &mut ChaCha20) -> [f32; 2] {
    let mut bytes = [0; 8];
    stream.apply_keystream(&mut bytes);
    let [high, low] = [0, 4].map(|start| [bytes[start], bytes[start + 1], bytes[start + 2]]);
    let radius = (-2.0 * unit_interval(high).ln()).sqrt();
    let (sine, cosine) = (std::f32::consts::TAU * unit_interval(low)).sin_cos();
    [radius * cosine, radius * sine]
}

/// A number above 0 and at most 1.
#[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32 exactly")]
fn unit_interval([high, mid, low]: [u8; 3]) -> f32 {
    (u32::from_be_bytes([0, high, mid, low]) + 1) as f32 / 16_777_216.0
}

/// Reflects `vector` in the hyperplane with the unit normal `normal`.
fn reflect(vector: &mut [f32], normal: &[f32]) {
    let twice: f32 = 2.0 * vector.iter().zip(normal).map(|(x, n)| x * n).sum::<f32>();
    vector.iter_mut().zip(normal).for_each(|(x, n)| *x -= twice * n);
}
