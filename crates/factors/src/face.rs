//! Face templates: the stored form of a face, and its distance from a new picture.
//!
//! `fourauth-face` computes embeddings from pixels. Here an embedding is a unit vector of 128
//! numbers.

pub use crate::rotation::DIMENSIONS;

use crate::{Finding, rotation::Rotation};
use fourauth_protocol::secret::Secret;

/// First byte of a stored template.
const VERSION: u8 = 1;

/// Steps per unit when a component is stored as a byte: the largest component seen is 0.56, and
/// rounding to 1/220 costs no accuracy that can be measured.
const STEPS_PER_UNIT: f32 = 220.0;

/// Bytes of a stored template: version, pack, account, pictures, components.
const STORED_BYTES: usize = 1 + 32 + 8 + 1 + DIMENSIONS;

/// Identifies the model pack of an embedding: the networks, and how pictures are prepared for them.
/// Embeddings of different packs cannot be compared. The thresholds of a pack are not part of its
/// id.
pub type PackId = [u8; 32];

/// The stored form of a face, rotated by the account's [`Rotation`].
#[derive(Clone)]
pub struct Template {
    pack: PackId,
    account: i64,
    pictures: u8,
    components: Secret<[i8; DIMENSIONS]>,
}

impl Template {
    /// Makes the template of `account` from the mean embedding of `pictures` pictures.
    #[must_use]
    pub fn protect(
        embedding: &[f32; DIMENSIONS],
        pack: PackId,
        account: i64,
        pictures: u8,
        rotation: &Rotation,
    ) -> Self {
        let components = Secret::new(rotation.apply(embedding).map(to_step));
        Self { pack, account, pictures, components }
    }

    /// Number of pictures that the template was made from.
    #[must_use]
    pub const fn pictures(&self) -> u8 {
        self.pictures
    }

    /// Euclidean distance between the template and an embedding: 0 for the same picture, √2 for
    /// unrelated ones. `None` if the template belongs to another account or was made by a pack that
    /// is not in `packs`: all ids, present and former, of the pack that made the embedding.
    #[must_use]
    pub fn distance(
        &self,
        probe: &[f32; DIMENSIONS],
        packs: &[PackId],
        account: i64,
        rotation: &Rotation,
    ) -> Option<f32> {
        if !packs.contains(&self.pack) || self.account != account {
            return None;
        }
        let turned = rotation.apply(probe);
        let square = |(step, component): (&i8, &f32)| (from_step(*step) - component).powi(2);
        Some(self.components.expose().iter().zip(&turned).map(square).sum::<f32>().sqrt())
    }

    /// The form that is encrypted and stored.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let mut bytes = Vec::with_capacity(STORED_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.pack);
        bytes.extend_from_slice(&self.account.to_be_bytes());
        bytes.push(self.pictures);
        bytes.extend(self.components.expose().iter().map(|step| step.cast_unsigned()));
        Secret::new(bytes)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`NotATemplate`] if the bytes are not the output of [`Template::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotATemplate> {
        let (&[VERSION], rest) = bytes.split_first_chunk().ok_or(NotATemplate)? else {
            return Err(NotATemplate);
        };
        let (pack, rest) = rest.split_first_chunk::<32>().ok_or(NotATemplate)?;
        let (account, rest) = rest.split_first_chunk::<8>().ok_or(NotATemplate)?;
        let (&[pictures], rest) = rest.split_first_chunk().ok_or(NotATemplate)?;
        let components: [u8; DIMENSIONS] = rest.try_into().map_err(|_| NotATemplate)?;
        Ok(Self {
            pack: *pack,
            account: i64::from_be_bytes(*account),
            pictures,
            components: Secret::new(components.map(u8::cast_signed)),
        })
    }
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
fn to_step(component: f32) -> i8 {
    (component * STEPS_PER_UNIT).round().clamp(-127.0, 127.0) as i8
}

fn from_step(step: i8) -> f32 {
    f32::from(step) / STEPS_PER_UNIT
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

    fn rotation() -> Rotation {
        Rotation::derive(&Secret::new([3; 32]), 42, 1)
    }

    fn unit(seed: &[i8]) -> [f32; DIMENSIONS] {
        let raw: [f32; DIMENSIONS] =
            std::array::from_fn(|index| f32::from(seed[index % seed.len()]) + 0.5);
        let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        raw.map(|x| x / norm)
    }

    proptest! {
        #[test]
        fn storing_a_template_changes_distances_by_less_than_0_02(
            a in prop::collection::vec(any::<i8>(), 16),
            b in prop::collection::vec(any::<i8>(), 16),
        ) {
            let (a, b) = (unit(&a), unit(&b));
            let plain: f32 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
            let template = Template::protect(&a, PACK, 42, 3, &rotation());
            let read = Template::from_bytes(template.to_bytes().expose()).unwrap();
            let stored = read.distance(&b, &[PACK], 42, &rotation()).unwrap();
            prop_assert!((plain - stored).abs() < 0.02, "{plain} {stored}");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _template = Template::from_bytes(&bytes);
        }
    }

    #[test]
    fn a_template_of_another_account_or_pack_is_not_compared() {
        let face = unit(&[1]);
        let template = Template::protect(&face, PACK, 42, 1, &rotation());
        for packs in [&[PACK][..], &[[8; 32], PACK]] {
            let distance = template.distance(&face, packs, 42, &rotation());
            assert!(distance.is_some_and(|d| d < 0.05));
        }
        assert_eq!(template.distance(&face, &[PACK], 43, &rotation()), None);
        for packs in [&[][..], &[[8; 32]]] {
            assert_eq!(template.distance(&face, packs, 42, &rotation()), None);
        }
    }

    #[test]
    fn a_distance_up_to_the_threshold_matches() {
        assert_eq!(check(Some(0.300), 0.300), Finding::Match);
        assert_eq!(check(Some(0.3001), 0.300), Finding::Mismatch);
        assert_eq!(check(Some(f32::NAN), 0.300), Finding::Mismatch);
        assert_eq!(check(None, 0.300), Finding::Missing);
    }
}
