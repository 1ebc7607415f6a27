//! Face templates: the stored form of a face, and its distance from a new picture.
//!
//! `fourauth-face` computes embeddings from pixels. Here an embedding is a unit vector of 64 to 512
//! numbers.

pub use crate::rotation::RotationKey;

use crate::{Finding, rotation::Scheme};
use fourauth_protocol::secret::Secret;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// First byte of a template with [`Scheme::Householder`] and 128 components, which is still read.
const VERSION_1: u8 = 1;

/// First byte of a stored template.
const VERSION_2: u8 = 2;

/// Steps per unit when a component of version 1 is stored as a byte: the largest component seen is
/// 0.56, and rounding to 1/220 costs no accuracy that can be measured.
const STEPS_OF_VERSION_1: f32 = 220.0;

/// Standard deviations of a component that a byte can hold. The standard deviation is that of a
/// random unit vector, the square root of one over the dimensions.
const DEVIATIONS: f32 = 6.5;

/// Components of a template of version 1.
const COMPONENTS_OF_VERSION_1: usize = 128;

/// Components that a template may have.
const COMPONENTS: RangeInclusive<usize> = 64..=512;

/// Bytes before the components of a stored template: version, pack, account, pictures.
const HEADER_BYTES: usize = 1 + 32 + 8 + 1;

/// Identifies the model pack of an embedding: the networks, and how pictures are prepared for them.
/// Embeddings of different packs cannot be compared. The thresholds of a pack are not part of its
/// id.
pub type PackId = [u8; 32];

/// The stored form of a face, rotated by the account's [`RotationKey`].
#[derive(Clone)]
pub struct Template {
    scheme: Scheme,
    pack: PackId,
    account: i64,
    pictures: u8,
    components: Secret<Vec<i8>>,
}

impl Template {
    /// Makes the template of an account from the mean embedding of `pictures` pictures.
    #[must_use]
    pub fn protect(embedding: &[f32], pack: PackId, pictures: u8, key: RotationKey<'_>) -> Self {
        let scheme = Scheme::Hadamard;
        let steps = scheme.steps_per_unit(embedding.len());
        let rotated = scheme.rotated(embedding, key);
        let components = rotated.iter().map(|component| to_step(*component, steps)).collect();
        let components = Secret::new(components);
        Self { scheme, pack, account: key.account, pictures, components }
    }

    /// Number of pictures that the template was made from.
    #[must_use]
    pub const fn pictures(&self) -> u8 {
        self.pictures
    }

    /// True if the template was made by a pack in `packs` and has so many values, so that it can be
    /// compared with embeddings of that pack. A list of former ids may name a pack with another number
    /// of values by mistake.
    #[must_use]
    pub fn is_of(&self, packs: &[PackId], values: usize) -> bool {
        packs.contains(&self.pack) && self.components.expose().len() == values
    }

    /// Euclidean distance between the template and an embedding: 0 for the same picture, √2 for
    /// unrelated ones. `None` if the template belongs to another account or was made by a pack that
    /// is not in `packs`: all ids, present and former, of the pack that made the embedding.
    #[must_use]
    pub fn distance(&self, probe: &[f32], packs: &[PackId], key: RotationKey<'_>) -> Option<f32> {
        let components = self.components.expose();
        if !self.is_of(packs, probe.len()) || self.account != key.account {
            return None;
        }
        let steps = self.scheme.steps_per_unit(components.len());
        let rotated = self.scheme.rotated(probe, key);
        let square =
            |(step, component): (&i8, &f32)| (f32::from(*step) / steps - component).powi(2);
        Some(components.iter().zip(rotated.iter()).map(square).sum::<f32>().sqrt())
    }

    /// The form that is encrypted and stored.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let components = self.components.expose();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + components.len());
        bytes.push(self.scheme.version());
        bytes.extend_from_slice(&self.pack);
        bytes.extend_from_slice(&self.account.to_be_bytes());
        bytes.push(self.pictures);
        bytes.extend(components.iter().map(|step| step.cast_unsigned()));
        Secret::new(bytes)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`NotATemplate`] if the bytes are not the output of [`Template::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotATemplate> {
        let (&[version], rest) = bytes.split_first_chunk().ok_or(NotATemplate)?;
        let (pack, rest) = rest.split_first_chunk::<32>().ok_or(NotATemplate)?;
        let (account, rest) = rest.split_first_chunk::<8>().ok_or(NotATemplate)?;
        let (&[pictures], components) = rest.split_first_chunk().ok_or(NotATemplate)?;
        let scheme = match version {
            VERSION_1 if components.len() == COMPONENTS_OF_VERSION_1 => Scheme::Householder,
            VERSION_2 if COMPONENTS.contains(&components.len()) => Scheme::Hadamard,
            _ => return Err(NotATemplate),
        };
        let components = components.iter().map(|step| step.cast_signed()).collect();
        Ok(Self {
            scheme,
            pack: *pack,
            account: i64::from_be_bytes(*account),
            pictures,
            components: Secret::new(components),
        })
    }
}

impl Scheme {
    const fn version(self) -> u8 {
        match self {
            Self::Householder => VERSION_1,
            Self::Hadamard => VERSION_2,
        }
    }

    /// Steps per unit when one of so many components is stored as a byte.
    fn steps_per_unit(self, components: usize) -> f32 {
        match self {
            Self::Householder => STEPS_OF_VERSION_1,
            Self::Hadamard => f32::from(i8::MAX) / DEVIATIONS * length(components).sqrt(),
        }
    }

    fn rotated(self, embedding: &[f32], key: RotationKey<'_>) -> Zeroizing<Vec<f32>> {
        let mut rotated = Zeroizing::new(embedding.to_vec());
        self.rotate(&mut rotated, key);
        rotated
    }
}

fn length(components: usize) -> f32 {
    u16::try_from(components).map_or(f32::from(u16::MAX), f32::from)
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({} pictures)", self.pictures)
    }
}

/// Compares a distance with the threshold. `None` means that the peer sent no comparable face.
#[must_use]
pub fn check(distance: Option<f32>, threshold: f32) -> Finding {
    distance.map_or(Finding::Missing, |distance| Finding::from_match(distance <= threshold))
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the range of the byte")]
fn to_step(component: f32, steps_per_unit: f32) -> i8 {
    (component * steps_per_unit).round().clamp(-127.0, 127.0) as i8
}

/// The bytes are not a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a face template of this version")]
pub struct NotATemplate;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACK: PackId = [9; 32];
    static PEPPER: Secret<[u8; 32]> = Secret::new([3; 32]);

    fn key(account: i64) -> RotationKey<'static> {
        RotationKey { pepper: &PEPPER, account, epoch: 1 }
    }

    fn unit(seed: &[i8], dimensions: usize) -> Vec<f32> {
        let raw: Vec<f32> =
            (0..dimensions).map(|index| f32::from(seed[index % seed.len()]) + 0.5).collect();
        let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        raw.iter().map(|x| x / norm).collect()
    }

    proptest! {
        #[test]
        fn storing_a_template_changes_distances_by_less_than_0_02(
            a in prop::collection::vec(any::<i8>(), 16),
            b in prop::collection::vec(any::<i8>(), 16),
            dimensions in 64_usize..=512,
        ) {
            let (a, b) = (unit(&a, dimensions), unit(&b, dimensions));
            let plain: f32 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
            let template = Template::protect(&a, PACK, 3, key(42));
            let read = Template::from_bytes(template.to_bytes().expose()).unwrap();
            let stored = read.distance(&b, &[PACK], key(42)).unwrap();
            // A distance near zero is the length of the rounding error.
            let rounding = 0.035_f32;
            prop_assert!(stored <= plain + rounding, "{plain} {stored}");
            prop_assert!(plain < 0.5 || (plain - stored).abs() < 0.02, "{plain} {stored}");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
            let _template = Template::from_bytes(&bytes);
        }
    }

    #[test]
    fn a_template_of_another_account_pack_or_length_is_not_compared() {
        let face = unit(&[1], 128);
        let template = Template::protect(&face, PACK, 1, key(42));
        for packs in [&[PACK][..], &[[8; 32], PACK]] {
            let distance = template.distance(&face, packs, key(42));
            assert!(distance.is_some_and(|d| d < 0.05));
        }
        assert_eq!(template.distance(&face, &[PACK], key(43)), None);
        assert_eq!(template.distance(&unit(&[1], 512), &[PACK], key(42)), None);
        assert!(template.is_of(&[PACK], 128) && !template.is_of(&[PACK], 512));
        for packs in [&[][..], &[[8; 32]]] {
            assert_eq!(template.distance(&face, packs, key(42)), None);
        }
    }

    #[test]
    fn a_template_of_version_1_is_still_compared() {
        // Made by an independent implementation from `unit(&[1, 2, -3], 128)`.
        let stored = include_bytes!("face/template_v1.bin");
        let template = Template::from_bytes(stored).unwrap();
        assert_eq!(template.to_bytes().expose(), stored);
        let distance = template.distance(&unit(&[1, 2, -3], 128), &[PACK], key(42)).unwrap();
        assert!(distance < 0.03, "{distance}");
        let other = template.distance(&unit(&[1, -2, 3], 128), &[PACK], key(42)).unwrap();
        assert!(other > 0.5, "{other}");
    }

    #[test]
    fn a_distance_up_to_the_threshold_matches() {
        assert_eq!(check(Some(0.300), 0.300), Finding::Match);
        assert_eq!(check(Some(0.3001), 0.300), Finding::Mismatch);
        assert_eq!(check(Some(f32::NAN), 0.300), Finding::Mismatch);
        assert_eq!(check(None, 0.300), Finding::Missing);
    }
}
