//! Pictures to embeddings, on the compute pool.
//!
//! A login forgives a picture that shows no usable face if another one does: a webcam's first frame
//! is often dark. Enrolment forgives as long as more pictures are good than bad.

use crate::{
    compute::{Compute, Requester},
    entropy,
    error::Error,
};
use fourauth_face::{Embedding, Engine, Portrait, Refusal};
use fourauth_factors::{
    face::{DIMENSIONS, PackId, Template},
    rotation::Rotation,
};
use fourauth_protocol::{picture::Picture, secret::Secret};
use fourauth_store::{AccountId, Subject};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Looks at faces.
#[derive(Debug, Clone)]
pub struct Faces {
    compute: Compute,
    engine: Arc<Engine>,
    pepper: Arc<Secret<[u8; 32]>>,
    looked_at: Arc<AtomicU64>,
}

/// One face out of several pictures.
#[derive(Debug)]
pub struct Likeness {
    embedding: Embedding,
    /// Pictures that showed it well enough.
    pub pictures: u8,
}

impl Faces {
    /// Looks at faces with the networks of `engine`.
    #[must_use]
    pub fn new(compute: Compute, engine: Arc<Engine>, pepper: Secret<[u8; 32]>) -> Self {
        Self { compute, engine, pepper: Arc::new(pepper), looked_at: Arc::default() }
    }

    /// The face of who wants in.
    ///
    /// # Errors
    ///
    /// If the pictures were not all looked at.
    pub async fn probe(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<Likeness, Refusal>, Error> {
        let (good, refused) = self.look_at(pictures, by).await?;
        Ok(match (good.as_slice(), refused) {
            ([], refused) => Err(refused.unwrap_or(Refusal::NoFace)),
            (good, _) => Embedding::mean_of(&embeddings(good))
                .map(|mean| Likeness::of(good, mean))
                .ok_or(Refusal::Disagree),
        })
    }

    /// The face of who is to be known from now on. The pictures must agree with each other.
    ///
    /// # Errors
    ///
    /// If the pictures were not all looked at.
    pub async fn enrol(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<Result<Likeness, Refusal>, Error> {
        let count = pictures.len();
        let (good, refused) = self.look_at(pictures, by).await?;
        if good.len() * 2 <= count {
            return Ok(Err(refused.unwrap_or(Refusal::NoFace)));
        }
        Ok(fourauth_face::enrol(&good).map(|embedding| Likeness::of(&good, embedding)))
    }

    /// The template of `account` from a likeness.
    #[must_use]
    pub fn template(&self, likeness: &Likeness, account: AccountId, epoch: i64) -> Template {
        let rotation = Rotation::derive(&self.pepper, account.0, epoch);
        let embedding = likeness.embedding.as_array();
        Template::protect(embedding, self.pack(), account.0, likeness.pictures, &rotation)
    }

    /// A template that no face is near to, for names that are no accounts.
    #[must_use]
    pub fn decoy(&self, account: AccountId, epoch: i64) -> Template {
        let noise =
            entropy::bytes::<DIMENSIONS>().map(|byte| f32::from(byte.cast_signed()) / 1024.0);
        let rotation = Rotation::derive(&self.pepper, account.0, epoch);
        Template::protect(&noise, self.pack(), account.0, 1, &rotation)
    }

    /// How far a likeness is from a template, and how far it may be.
    #[must_use]
    pub fn compare(&self, likeness: &Likeness, subject: &Subject) -> Comparison {
        let Subject { account: AccountId(account), face_epoch, template, .. } = subject;
        let rotation = Rotation::derive(&self.pepper, *account, *face_epoch);
        let probe = likeness.embedding.as_array();
        let thresholds = self.engine.pack().thresholds();
        Comparison {
            distance: template.distance(probe, self.pack(), *account, &rotation),
            threshold: thresholds.for_counts(template.pictures().into(), likeness.pictures.into()),
        }
    }

    /// Pictures looked at since start.
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    fn pack(&self) -> PackId {
        *self.engine.pack().id().as_bytes()
    }

    /// The portraits, and why the first picture without one has none.
    async fn look_at(
        &self,
        pictures: Vec<Picture>,
        by: Requester,
    ) -> Result<(Vec<Portrait>, Option<Refusal>), Error> {
        self.looked_at.fetch_add(pictures.len() as u64, Ordering::Relaxed);
        let engine = Arc::clone(&self.engine);
        let look = move || -> Vec<_> {
            pictures.iter().map(|picture| engine.portrait(picture.bytes())).collect()
        };
        let mut refused = None;
        let mut good = Vec::new();
        // One place in the queue however many pictures; what they cost is charged to their source.
        for seen in self.compute.run(by, look).await? {
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

/// How far a face is from a template, and how far it may be.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// Euclidean; `None` if the two cannot be compared.
    pub distance: Option<f32>,
    /// The farthest that still counts as the same person.
    pub threshold: f32,
}

impl Likeness {
    fn of(portraits: &[Portrait], embedding: Embedding) -> Self {
        let pictures = u8::try_from(portraits.len()).unwrap_or(u8::MAX);
        Self { embedding, pictures }
    }
}

fn embeddings(portraits: &[Portrait]) -> Vec<Embedding> {
    portraits.iter().map(|portrait| portrait.embedding.clone()).collect()
}
