//! Turns pictures into embeddings, on the compute pool.
//!
//! A login ignores a picture without a usable face if another picture has one: the first frame of a
//! webcam is often dark. Enrolment needs more good pictures than bad ones. Neither accepts a
//! picture of another face: all usable pictures of a command must agree.

use crate::{
    compute::{Compute, Requester},
    entropy,
    error::Error,
};
use fourauth_face::{Embedding, Engine, Likeness, Limits, Portrait, Refusal};
use fourauth_factors::{
    Finding,
    face::{self, DIMENSIONS, PackId, Template},
    rotation::Rotation,
};
use fourauth_protocol::{picture::Picture, secret::Secret};
use fourauth_store::{AccountId, Subject};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tracing::Instrument as _;

/// Finds, embeds and compares faces.
#[derive(Debug, Clone)]
pub struct Faces {
    compute: Compute,
    engine: Arc<Engine>,
    /// Ids of the packs with templates that this engine can compare. Its own id is first.
    packs: Arc<[PackId]>,
    pepper: Arc<Secret<[u8; 32]>>,
    pictures_examined: Arc<AtomicU64>,
}

impl Faces {
    /// Uses the networks of `engine`.
    #[must_use]
    pub fn new(compute: Compute, engine: Arc<Engine>, pepper: Secret<[u8; 32]>) -> Self {
        let packs = engine.pack().ids().iter().map(|id| *id.as_bytes()).collect();
        Self { compute, engine, packs, pepper: Arc::new(pepper), pictures_examined: Arc::default() }
    }

    /// Computes the likeness of a face to be verified. The pictures must agree with each other.
    ///
    /// # Errors
    ///
    /// [`Error`] if a picture was not examined.
    pub async fn probe(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<Likeness, Refusal>, Error> {
        let (good, refused) = self.examine(pictures, by).await?;
        Ok(match good.as_slice() {
            [] => Err(refused.unwrap_or(Refusal::NoFace)),
            good => Likeness::of(&embeddings(good)),
        })
    }

    /// Computes the likeness of a face to be enrolled. The pictures must agree with each other.
    ///
    /// # Errors
    ///
    /// [`Error`] if a picture was not examined.
    pub async fn enrol(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<Likeness, Refusal>, Error> {
        let count = pictures.len();
        let (good, refused) = self.examine(pictures, by).await?;
        if good.len() * 2 <= count {
            return Ok(Err(refused.unwrap_or(Refusal::NoFace)));
        }
        Ok(Likeness::of(&embeddings(&good)))
    }

    /// Makes the template of `account` from a likeness.
    #[must_use]
    pub fn template(&self, likeness: &Likeness, account: AccountId, epoch: i64) -> Template {
        let rotation = Rotation::derive(&self.pepper, account.0, epoch);
        let mean = likeness.mean().as_array();
        Template::protect(mean, self.pack(), account.0, likeness.count(), &rotation)
    }

    /// Makes a template that matches no face, for unknown names.
    #[must_use]
    pub fn decoy(&self, account: AccountId, epoch: i64) -> Template {
        let noise =
            entropy::bytes::<DIMENSIONS>().map(|byte| f32::from(byte.cast_signed()) / 1024.0);
        let rotation = Rotation::derive(&self.pepper, account.0, epoch);
        Template::protect(&noise, self.pack(), account.0, 1, &rotation)
    }

    /// Compares a likeness with the template of `subject`.
    #[must_use]
    pub fn compare(&self, likeness: &Likeness, subject: &Subject) -> Comparison {
        let Subject { account: AccountId(account), face_epoch, template, .. } = subject;
        let rotation = Rotation::derive(&self.pepper, *account, *face_epoch);
        let distance = |embedding: &Embedding| {
            template.distance(embedding.as_array(), &self.packs, *account, &rotation)
        };
        let thresholds = self.engine.pack().thresholds();
        Comparison {
            distance: distance(likeness.mean()),
            singles: likeness.pictures().iter().map(distance).collect(),
            limits: thresholds.limits(template.pictures().into(), likeness.count().into()),
        }
    }

    /// Number of pictures examined since the server started.
    #[must_use]
    pub(crate) fn pictures_examined(&self) -> u64 {
        self.pictures_examined.load(Ordering::Relaxed)
    }

    fn pack(&self) -> PackId {
        self.packs[0]
    }

    /// Returns the portraits, and the reason why the first picture without a portrait was refused.
    async fn examine(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<(Vec<Portrait>, Option<Refusal>), Error> {
        self.pictures_examined.fetch_add(pictures.len() as u64, Ordering::Relaxed);
        let engine = Arc::clone(&self.engine);
        let look = move || -> Vec<_> {
            pictures.iter().map(|picture| engine.portrait(picture.bytes())).collect()
        };
        let mut refused = None;
        let mut good = Vec::new();
        // All pictures are one job in the queue. Their cost is charged to the source.
        let seen = self.compute.run(by, look).instrument(tracing::info_span!("face")).await?;
        for seen in seen {
            match seen {
                Err(Refusal::Unexamined) => return Err(Error::Unexamined),
                Ok(portrait) => good.push(portrait),
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                }
            }
        }
        Ok((good, refused))
    }
}

/// Distances of a face from a template, and the distances allowed.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Euclidean distance of the mean of the pictures; `None` if the two cannot be compared.
    pub distance: Option<f32>,
    /// Distance of each single picture.
    pub singles: Vec<Option<f32>>,
    /// Largest distances that count as the same person.
    pub limits: Limits,
}

impl Comparison {
    /// A match if the mean and each single picture are within their limits.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let finding = face::check(self.distance, self.limits.mean);
        let near = |single: &Option<f32>| face::check(*single, self.limits.single).is_match();
        match finding {
            Finding::Match if !self.singles.iter().all(near) => Finding::Mismatch,
            finding => finding,
        }
    }
}

/// The finding for a picture that was refused.
///
/// A picture without a usable face does not count as a guess. Pictures of different people do: an
/// owner does not send them, and a mean of several faces is an attack.
#[must_use]
pub(crate) const fn finding_of(refusal: Refusal) -> Finding {
    match refusal {
        Refusal::Disagree => Finding::Mismatch,
        Refusal::NotAnImage
        | Refusal::TooLarge
        | Refusal::NoFace
        | Refusal::SeveralFaces
        | Refusal::CutOff
        | Refusal::TooSmall
        | Refusal::Blurred
        | Refusal::Turned
        | Refusal::BadLight
        | Refusal::Unexamined => Finding::Missing,
    }
}

fn embeddings(portraits: &[Portrait]) -> Vec<Embedding> {
    portraits.iter().map(|portrait| portrait.embedding.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Finding::{Match, Mismatch, Missing};

    #[test]
    fn a_passing_mean_does_not_excuse_a_failing_picture() {
        let limits = Limits { mean: 0.25, single: 0.35 };
        let table = [
            (Some(0.25), vec![Some(0.35); 3], Match),
            (Some(0.251), vec![Some(0.3); 3], Mismatch),
            (Some(0.2), vec![Some(0.3), Some(0.351), Some(0.3)], Mismatch),
            (Some(0.2), vec![Some(0.3), Some(0.3), Some(f32::NAN)], Mismatch),
            (Some(0.2), vec![Some(0.3), None], Mismatch),
            (None, vec![None; 3], Missing),
        ];
        for (distance, singles, finding) in table {
            let comparison = Comparison { distance, singles, limits };
            assert_eq!(comparison.finding(), finding, "{comparison:?}");
        }
    }

    #[test]
    fn only_pictures_of_different_people_count_as_a_wrong_face() {
        assert_eq!(finding_of(Refusal::Disagree), Mismatch);
        for refusal in [Refusal::NoFace, Refusal::Blurred, Refusal::NotAnImage, Refusal::Unexamined]
        {
            assert_eq!(finding_of(refusal), Missing, "{refusal:?}");
        }
    }
}
