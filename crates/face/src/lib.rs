//! Pixels → embedding: finds the face in a picture, judges whether it is seen well enough, and turns it
//! into a unit vector in which one person's faces lie close together.
//!
//! No template is kept, compared or decided upon here, and nothing says that a face is alive. The networks
//! come as a *pack*, a folder that [`Engine::load`] checks; [`install`] builds the default one.

pub mod decode;
pub mod install;
pub mod pack;
pub mod quality;

mod align;
mod convert;
#[cfg(test)]
mod cost;
mod detect;
mod digest;
mod embedding;
mod engine;
mod geometry;
mod landmarks;
mod likeness;
mod manifest;
mod picture;
mod refusal;
mod resample;
mod runtime;
mod thresholds;

pub use convert::ConvertError;
pub use digest::{BadDigest, Digest};
pub use embedding::{DIMENSIONS, Embedding};
pub use engine::{Engine, Portrait};
pub use likeness::{AGREEMENT, Likeness, SAME_PICTURE};
pub use quality::Quality;
pub use refusal::Refusal;
pub use runtime::NetError;
pub use thresholds::{Limits, Threshold, Thresholds};
