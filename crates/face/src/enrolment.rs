//! Several pictures of one person → what is kept of them.

use crate::{embedding::Embedding, engine::Portrait, refusal::Refusal};

/// Furthest two pictures of one enrolment may lie apart.
///
/// Wider than any threshold for logging in, because single pictures scatter more than their mean; of
/// strangers' pictures about one pair in a thousand lies so close (FACE: 0.384 at 1e-3, 0.43 at 1e-2).
pub const AGREEMENT: f32 = 0.45;

/// The mean of pictures that show the same face. One picture is its own mean.
///
/// # Errors
///
/// [`Refusal::Disagree`] if any two are further apart than [`AGREEMENT`], [`Refusal::NoFace`] if there are
/// none.
pub fn enrol(portraits: &[Portrait]) -> Result<Embedding, Refusal> {
    let mut rest = portraits;
    while let [first, others @ ..] = rest {
        if !others.iter().all(|other| first.embedding.distance(&other.embedding) < AGREEMENT) {
            return Err(Refusal::Disagree);
        }
        rest = others;
    }
    let embeddings: Vec<Embedding> =
        portraits.iter().map(|portrait| portrait.embedding.clone()).collect();
    Embedding::mean_of(&embeddings).ok_or(Refusal::NoFace)
}
