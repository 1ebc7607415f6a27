//! Rotations of the embedding space, one for each account.
//!
//! A template is stored rotated by a random orthogonal transformation, which is derived from the
//! pepper, the account's id and an epoch. Distances do not change, templates of one person in two
//! databases are unrelated, and a new epoch makes the old template useless (renewability in ISO/IEC
//! 24745). The rotation is a second layer behind encryption, not a substitute for it.

mod hadamard;
mod householder;

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit as _, StreamCipher},
};
use fourauth_protocol::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroize as _;

/// The secret and the account that a rotation is derived from.
#[derive(Debug, Clone, Copy)]
pub struct RotationKey<'pepper> {
    /// The secret of the server.
    pub pepper: &'pepper Secret<[u8; 32]>,
    /// The account's id.
    pub account: i64,
    /// Counts the enrolments of the account's face.
    pub epoch: i64,
}

/// How a template is rotated. Its version says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// A uniformly distributed rotation of 128 dimensions. Templates of version 1 have it.
    Householder,
    /// Signs and Hadamard transforms, in any number of dimensions.
    Hadamard,
}

impl Scheme {
    /// Rotates a vector in place.
    pub(crate) fn rotate(self, vector: &mut [f32], key: RotationKey<'_>) {
        match self {
            Self::Householder => {
                householder::rotate(vector, &mut key.stream(b"fourauth face rotation v1"));
            }
            Self::Hadamard => {
                hadamard::rotate(vector, &mut key.stream(b"fourauth face rotation v2"));
            }
        }
    }
}

impl RotationKey<'_> {
    /// The random numbers of the rotation.
    fn stream(&self, label: &[u8]) -> ChaCha20 {
        let (account, epoch) = (self.account.to_be_bytes(), self.epoch.to_be_bytes());
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, self.pepper.expose())
            .expand_multi_info(&[label, &account, &epoch], &mut key)
            .expect("HKDF-SHA-256 gives up to 8160 bytes");
        let stream = ChaCha20::new(&key.into(), &[0; 12].into());
        key.zeroize();
        stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PEPPER: Secret<[u8; 32]> = Secret::new([3; 32]);

    fn rotated(scheme: Scheme, vector: &[f32], account: i64, epoch: i64) -> Vec<f32> {
        let mut vector = vector.to_vec();
        scheme.rotate(&mut vector, RotationKey { pepper: &PEPPER, account, epoch });
        vector
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt()
    }

    proptest! {
        #[test]
        fn a_rotation_preserves_distances(
            a in prop::collection::vec(-1.0_f32..1.0, 512),
            b in prop::collection::vec(-1.0_f32..1.0, 512),
            dimensions in 64_usize..=512,
            account in any::<i64>(),
        ) {
            for (scheme, dimensions) in
                [(Scheme::Householder, 128), (Scheme::Hadamard, dimensions)]
            {
                let (a, b) = (&a[..dimensions], &b[..dimensions]);
                let turned = |vector| rotated(scheme, vector, account, 1);
                let (before, after) = (distance(a, b), distance(&turned(a), &turned(b)));
                prop_assert!((before - after).abs() < 2e-3, "{scheme:?} {before} {after}");
            }
        }
    }

    #[test]
    fn each_account_epoch_and_pepper_has_its_own_rotation() {
        for (scheme, dimensions) in [
            (Scheme::Householder, 128),
            (Scheme::Hadamard, 64),
            (Scheme::Hadamard, 100),
            (Scheme::Hadamard, 512),
        ] {
            for axis in [0, 5, dimensions - 1] {
                let mut vector = vec![0.0; dimensions];
                vector[axis] = 1.0;
                let turned = rotated(scheme, &vector, 1, 1);
                let mut other_pepper = vector.clone();
                let pepper = &Secret::new([4; 32]);
                scheme.rotate(&mut other_pepper, RotationKey { pepper, account: 1, epoch: 1 });
                let others =
                    [rotated(scheme, &vector, 2, 1), rotated(scheme, &vector, 1, 2), other_pepper];
                // Random unit vectors of many dimensions are nearly orthogonal: √2 apart.
                for other in others {
                    let apart = distance(&turned, &other);
                    assert!((0.9..1.9).contains(&apart), "{scheme:?} {dimensions} {apart}");
                }
                assert!(distance(&turned, &rotated(scheme, &vector, 1, 1)) < 1e-6);
            }
        }
    }
}
