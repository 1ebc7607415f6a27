//! Turns pictures into face embeddings: finds the face, checks its quality, and computes a unit
//! vector that lies close to those of other pictures of the same person.
//!
//! It also scores whether a face is live. It does not store or compare templates. The networks come as a *pack*, a folder that [`Engine::load`] checks. The crate `fourauth-face-pack` builds
//! the default one.

pub mod challenge;
pub mod decode;
pub mod manifest;
pub mod pack;
pub mod quality;
pub mod self_test;

mod align;
#[cfg(test)]
mod cost;
mod detect;
mod digest;
mod embedding;
mod engine;
mod geometry;
mod jpeg;
mod landmarks;
mod likeness;
mod liveness;
mod locate;
mod orient;
mod patterns;
mod picture;
mod png;
mod refusal;
mod resample;
mod runtime;
mod thresholds;
mod turn;
mod upright;

pub use align::Alignment;
pub use digest::{BadDigest, Digest};
pub use embedding::{DIMENSIONS, Embedding};
pub use engine::{Engine, Portrait};
pub use likeness::{Likeness, LikenessRules};
pub use quality::{Bounds, Quality};
pub use refusal::Refusal;
pub use runtime::{EngineError, NetError, Runtime};
pub use thresholds::{Limits, Threshold, Thresholds};
