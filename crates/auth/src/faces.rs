//! Turns pictures into embeddings, on the compute pool.
//!
//! A login ignores a picture without a usable face if another picture has one: the first frame of a
//! webcam is often dark. Enrolment needs more good pictures than bad ones. Neither accepts a
//! picture of another face: all usable pictures of a command must agree.
//!
//! A picture that does not show a live face fails a login, because nothing honest explains it beside
//! live ones. An enrolment drops it as it drops a blurred one. That gives an attacker nothing: one live
//! picture is an enrolment as well, a dropped picture does not change the template, and those that are
//! kept must agree.

use crate::{
    compute::{Compute, Requester},
    entropy,
    error::Error,
};
use fourauth_face::{
    Embedding, Engine, Likeness, Limits, Portrait, Refusal,
    challenge::{Answer, Failure, Frame, Seen, Steps},
};
use fourauth_factors::{
    Finding,
    face::{self, PackId, RotationKey, Template},
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

    /// Computes the likeness of a face to be verified. The pictures must agree with each other, and
    /// each that shows a face must show a live one.
    ///
    /// # Errors
    ///
    /// [`Error`] if a picture was not examined.
    pub async fn probe(&self, pictures: Vec<Picture>, by: Requester) -> Result<Probe, Error> {
        let (good, refused) = sorted(self.examine(pictures, by).await?);
        let live = good.iter().filter_map(|portrait| portrait.live).reduce(f32::min);
        let likeness = if good.is_empty() {
            Err(refused.unwrap_or(Refusal::NoFace))
        } else {
            let live: Result<Vec<_>, _> = good.into_iter().map(|it| self.live(it)).collect();
            live.and_then(|live| self.likeness(&live))
        };
        Ok(Probe { likeness, live })
    }

    /// Computes the likeness of a face to be enrolled. More than half of the pictures must show a
    /// usable and live face, and these must agree with each other.
    ///
    /// # Errors
    ///
    /// [`Error`] if a picture was not examined.
    pub async fn enrol(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<NewLikeness, Refusal>, Error> {
        let seen = self.examine(pictures.clone(), by).await?;
        let live: Vec<_> = seen.into_iter().map(|it| it.and_then(|it| self.live(it))).collect();
        let first = live.iter().zip(&pictures).find(|(seen, _)| seen.is_ok());
        let first = first.map(|(_, picture)| picture.clone());
        let (good, refused) = sorted(live);
        let most_are_good = good.len() * 2 > pictures.len();
        let Some(picture) = first.filter(|_| most_are_good) else {
            return Ok(Err(refused.unwrap_or(Refusal::NoFace)));
        };
        Ok(self.likeness(&good).map(|likeness| NewLikeness { likeness, picture }))
    }

    /// The portrait, if it shows a live face or if liveness is not judged.
    fn live(&self, portrait: Portrait) -> Result<Portrait, Refusal> {
        let threshold = self.engine.pack().live_threshold().unwrap_or(0.0);
        match portrait.live {
            None => Ok(portrait),
            Some(live) if live > threshold => Ok(portrait),
            Some(_) => Err(Refusal::NotLive),
        }
    }

    /// The likeness of faces that agree with each other.
    fn likeness(&self, good: &[Portrait]) -> Result<Likeness, Refusal> {
        let embeddings: Vec<_> = good.iter().map(|it| it.embedding.clone()).collect();
        Likeness::of(&embeddings, self.engine.pack().likeness_rules())
    }

    /// Makes the template of `account` from a likeness.
    #[must_use]
    pub fn template(&self, likeness: &Likeness, account: AccountId, epoch: i64) -> Template {
        let mean = likeness.mean().values();
        Template::protect(mean, self.pack(), likeness.count(), self.key(account, epoch))
    }

    /// Makes a template that matches no face, for unknown names.
    #[must_use]
    pub fn decoy(&self, account: AccountId, epoch: i64) -> Template {
        let direction = random_direction(self.engine.pack().dimensions());
        Template::protect(direction.values(), self.pack(), 1, self.key(account, epoch))
    }

    /// Number of pictures that a login should have.
    #[must_use]
    pub(crate) fn pictures_at_login(&self) -> u32 {
        self.engine.pack().likeness_rules().at_login.into()
    }

    /// True if a picture must show a live face.
    #[must_use]
    pub fn judge_liveness(&self) -> bool {
        self.engine.judges_liveness()
    }

    /// True if a template was made by the pack in use, so that it can be compared.
    #[must_use]
    pub fn can_compare(&self, template: &Template) -> bool {
        template.is_of(&self.packs, self.engine.pack().dimensions())
    }

    /// Compares a likeness with the template of `subject`.
    #[must_use]
    pub fn compare(&self, likeness: &Likeness, subject: &Subject) -> Comparison {
        let Subject { account, face_epoch, template, .. } = subject;
        let key = self.key(*account, *face_epoch);
        let distance =
            |embedding: &Embedding| template.distance(embedding.values(), &self.packs, key);
        let pack = self.engine.pack();
        Comparison {
            distance: distance(likeness.mean()),
            singles: likeness.pictures().iter().map(distance).collect(),
            limits: pack.limits(template.pictures().into(), likeness.count().into()),
        }
    }

    /// True if the model pack finds the landmarks that a challenge is judged by.
    #[must_use]
    pub(crate) fn can_challenge(&self) -> bool {
        self.engine.can_challenge()
    }

    /// Examines the frames of an answer to a challenge. The first one must pass the quality gate of a
    /// login; each of the others counts only if it shows a usable face.
    ///
    /// # Errors
    ///
    /// [`Error`] if a frame was not examined.
    pub(crate) async fn frames(
        &self,
        frames: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<(Frame, Vec<Option<Frame>>), Refusal>, Error> {
        self.pictures_examined.fetch_add(frames.len() as u64, Ordering::Relaxed);
        let engine = Arc::clone(&self.engine);
        let look = move || {
            let (first, others) = frames.split_first().ok_or(Refusal::NoFace)?;
            let neutral = engine.front_frame(first.bytes())?;
            let others: Vec<_> = others.iter().map(|frame| engine.frame(frame.bytes())).collect();
            Ok((neutral, others))
        };
        let seen = self.compute.run(by, look).instrument(tracing::info_span!("face")).await?;
        match seen {
            Err(Refusal::Unexamined) => Err(Error::Unexamined),
            Err(refusal) => Ok(Err(refusal)),
            Ok((_, others)) if others.contains(&Err(Refusal::Unexamined)) => Err(Error::Unexamined),
            Ok((neutral, others)) => {
                Ok(Ok((neutral, others.into_iter().map(Result::ok).collect())))
            }
        }
    }

    /// Compares the face at rest with the template of `subject`, and judges the answer to a challenge.
    pub(crate) fn judge(
        &self,
        steps: Steps,
        neutral: Frame,
        others: Vec<Option<Frame>>,
        subject: &Subject,
    ) -> (Comparison, Result<(), Failure>) {
        let likeness = Likeness::of_one(neutral.embedding.clone());
        let comparison = self.compare(&likeness, subject);
        let seen = |frame: Frame| {
            let distance = self.compare(&Likeness::of_one(frame.embedding.clone()), subject);
            Seen { distance: distance.distance, frame }
        };
        let others = others.into_iter().map(|frame| frame.map(seen)).collect();
        let bounds = self.engine.challenge_bounds();
        let judged = Answer { neutral, others }.judge(steps, bounds);
        (comparison, judged)
    }

    /// Number of pictures examined since the server started.
    #[must_use]
    pub(crate) fn pictures_examined(&self) -> u64 {
        self.pictures_examined.load(Ordering::Relaxed)
    }

    fn key(&self, AccountId(account): AccountId, epoch: i64) -> RotationKey<'_> {
        RotationKey { pepper: &self.pepper, account, epoch }
    }

    fn pack(&self) -> PackId {
        self.packs[0]
    }

    /// Returns the portrait of each picture, or the reason why it was refused.
    async fn examine(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Vec<Result<Portrait, Refusal>>, Error> {
        self.pictures_examined.fetch_add(pictures.len() as u64, Ordering::Relaxed);
        let engine = Arc::clone(&self.engine);
        let look = move || -> Vec<_> {
            pictures.iter().map(|picture| engine.portrait(picture.bytes())).collect()
        };
        // All pictures are one job in the queue. Their cost is charged to the source.
        let seen = self.compute.run(by, look).instrument(tracing::info_span!("face")).await?;
        if seen.contains(&Err(Refusal::Unexamined)) {
            return Err(Error::Unexamined);
        }
        Ok(seen)
    }
}

/// The portraits, and the reason why the first picture without one was refused.
fn sorted(
    seen: impl IntoIterator<Item = Result<Portrait, Refusal>>,
) -> (Vec<Portrait>, Option<Refusal>) {
    let mut refused = None;
    let mut good = Vec::new();
    for seen in seen {
        match seen {
            Ok(portrait) => good.push(portrait),
            Err(refusal) => {
                refused.get_or_insert(refusal);
            }
        }
    }
    (good, refused)
}

/// A random direction with so many values. Faces are as far from it as from each other: those of
/// strangers in Labeled Faces in the Wild are 1.16 to 1.60 apart with `blaze-fr` (mean 1.41, all but 2
/// in 1000), and 1.32 to 1.51 from random directions with 512 values (mean 1.41).
fn random_direction(dimensions: usize) -> Embedding {
    let bytes = entropy::secret_bytes(dimensions);
    let values = bytes.expose().iter().map(|byte| f32::from(byte.cast_signed()) + 0.5);
    Embedding::normalised(values.collect()).expect("no value is zero")
}

/// A face to be enrolled.
#[derive(Debug)]
pub struct NewLikeness {
    /// The likeness of the pictures that were not dropped.
    pub likeness: Likeness,
    /// The first of these pictures, which may be kept.
    pub picture: Picture,
}

/// What the pictures of a login show.
#[derive(Debug)]
pub struct Probe {
    /// The likeness, or the reason why the pictures have none.
    pub likeness: Result<Likeness, Refusal>,
    /// The lowest score of the pictures with a face, of how likely it is live; `None` if liveness is
    /// not judged.
    pub live: Option<f32>,
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
/// owner does not send them, and a mean of several faces is an attack. So does a print or a screen.
#[must_use]
pub(crate) const fn finding_of(refusal: Refusal) -> Finding {
    match refusal {
        Refusal::Disagree | Refusal::NotLive => Finding::Mismatch,
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

    /// Another direction, for the faces of strangers: a wave with a phase of its own in each value.
    fn stranger(dimensions: u16, seed: f32) -> Embedding {
        let value = |place| (f32::from(place) * f32::from(place) * 0.37 + seed * 1.93).sin();
        Embedding::normalised((0..dimensions).map(value).collect()).unwrap()
    }

    #[test]
    fn a_decoy_is_as_long_and_as_far_away_as_a_stranger() {
        const PACK: PackId = [9; 32];
        let pepper = Secret::new([3; 32]);
        let key = RotationKey { pepper: &pepper, account: 42, epoch: 1 };
        for dimensions in [64, 128, 512] {
            let zero = vec![0.0; dimensions.into()];
            let measured = |face: &Embedding, other: &[f32]| {
                let template = Template::protect(face.values(), PACK, 1, key);
                template.distance(other, &[PACK], key).unwrap()
            };
            let mut distances = Vec::new();
            for seed in 0..200_u16 {
                let decoy = random_direction(dimensions.into());
                let face = stranger(dimensions, f32::from(seed));
                // The length of a stored template is its distance from zero. Bytes round it.
                for stored in [&decoy, &face] {
                    let length = measured(stored, &zero);
                    assert!((length - 1.0).abs() < 0.02, "{dimensions}: {length}");
                }
                distances.push(measured(&decoy, face.values()));
            }
            let mean = distances.iter().sum::<f32>() / 200.0;
            let (nearest, furthest) =
                distances.iter().fold((2.0_f32, 0.0_f32), |(low, high), &distance| {
                    (low.min(distance), high.max(distance))
                });
            assert!((mean - 1.414).abs() < 0.03, "{dimensions}: {mean}");
            // Six standard deviations of a cosine between random directions.
            let spread = 6.0 / f32::from(dimensions).sqrt();
            assert!(nearest * nearest > 2.0 - 2.0 * spread, "{dimensions}: {nearest}");
            assert!(furthest * furthest < 2.0 + 2.0 * spread, "{dimensions}: {furthest}");
        }
    }

    #[test]
    fn prints_and_pictures_of_different_people_are_wrong_faces() {
        for refusal in [Refusal::Disagree, Refusal::NotLive] {
            assert_eq!(finding_of(refusal), Mismatch, "{refusal:?}");
        }
        for refusal in [Refusal::NoFace, Refusal::Blurred, Refusal::NotAnImage, Refusal::Unexamined]
        {
            assert_eq!(finding_of(refusal), Missing, "{refusal:?}");
        }
    }
}
