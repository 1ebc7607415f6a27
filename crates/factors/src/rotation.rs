//! Rotations of the embedding space, one for each account.
//!
//! A template is stored rotated by a random orthogonal transformation, which is derived from the
//! pepper, the account's id and an epoch. Distances do not change, templates of one person in two
//! databases are unrelated, and a new epoch makes the old template useless (renewability in ISO/IEC
//! 24745). The rotation is a second layer behind encryption, not a substitute for it.

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use fourauth_protocol::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroize as _;

/// Components of an embedding.
pub const DIMENSIONS: usize = 128;

/// An orthogonal transformation, stored as the reflections that it is the product of.
///
/// The product of the Householder reflections that take the first axis to a Gaussian direction, in
/// 128, 127, … 2 dimensions, is uniformly distributed over the orthogonal group (G. W. Stewart,
/// "The efficient generation of random orthogonal matrices", SIAM J. Numer. Anal. 17, 1980).
/// Applying it costs 16 thousand multiplications and needs no matrix.
pub struct Rotation {
    normals: Vec<Vec<f32>>,
}

impl Rotation {
    /// Derives the rotation of one account in one epoch.
    #[must_use]
    pub fn derive(pepper: &Secret<[u8; 32]>, account: i64, epoch: i64) -> Self {
        let mut stream = keystream(pepper, account, epoch);
        let normals = (2..=DIMENSIONS).rev().map(|length| mirror(gaussian(&mut stream, length)));
        Self { normals: normals.collect() }
    }

    /// Rotates a vector.
    #[must_use]
    pub fn apply(&self, vector: &[f32; DIMENSIONS]) -> [f32; DIMENSIONS] {
        let mut turned = *vector;
        for normal in &self.normals {
            reflect(&mut turned[DIMENSIONS - normal.len()..], normal);
        }
        turned
    }
}

impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rotation(..)")
    }
}

impl Drop for Rotation {
    fn drop(&mut self) {
        self.normals.zeroize();
    }
}

fn keystream(pepper: &Secret<[u8; 32]>, account: i64, epoch: i64) -> ChaCha20 {
    let account = account.to_be_bytes();
    let epoch = epoch.to_be_bytes();
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, pepper.expose())
        .expand_multi_info(&[b"fourauth face rotation v1", &account, &epoch], &mut key)
        .expect("HKDF-SHA-256 gives up to 8160 bytes");
    let stream = ChaCha20::new(&key.into(), &[0; 12].into());
    key.zeroize();
    stream
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PEPPER: Secret<[u8; 32]> = Secret::new([3; 32]);

    fn distance(a: &[f32; DIMENSIONS], b: &[f32; DIMENSIONS]) -> f32 {
        a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt()
    }

    proptest! {
        #[test]
        fn a_rotation_preserves_distances(
            a in prop::array::uniform32(-1.0_f32..1.0),
            b in prop::array::uniform32(-1.0_f32..1.0),
            account in any::<i64>(),
        ) {
            let widen = |narrow: [f32; 32]| std::array::from_fn(|index| narrow[index % 32]);
            let (a, b): ([f32; DIMENSIONS], [f32; DIMENSIONS]) = (widen(a), widen(b));
            let rotation = Rotation::derive(&PEPPER, account, 1);
            let before = distance(&a, &b);
            let after = distance(&rotation.apply(&a), &rotation.apply(&b));
            prop_assert!((before - after).abs() < 1e-3, "{before} {after}");
        }
    }

    #[test]
    fn each_account_epoch_and_pepper_has_its_own_rotation() {
        let vector: [f32; DIMENSIONS] =
            std::array::from_fn(|index| f32::from(u8::from(index == 5)));
        let turned = Rotation::derive(&PEPPER, 1, 1).apply(&vector);
        let others = [
            Rotation::derive(&PEPPER, 2, 1),
            Rotation::derive(&PEPPER, 1, 2),
            Rotation::derive(&Secret::new([4; 32]), 1, 1),
        ];
        // Random unit vectors in 128 dimensions are nearly orthogonal: √2 apart.
        for other in others {
            assert!((1.0..1.8).contains(&distance(&turned, &other.apply(&vector))));
        }
        assert!(distance(&turned, &Rotation::derive(&PEPPER, 1, 1).apply(&vector)) < 1e-6);
    }
}
