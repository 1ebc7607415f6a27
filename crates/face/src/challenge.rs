//! The active challenge: a person turns the head and opens the mouth in an order that the server has
//! drawn, and the frames show a face with depth that did so.
//!
//! A challenge stops a print, a screen and a photograph that is bent or moved: the tip of the nose of
//! a flat sheet stays where the eyes and the mouth say. It does not stop a peer that has a frontal
//! and a turned photograph of the person, nor one that feeds a made or recorded video with the right
//! order into its own camera. This module judges frames. Drawing, sending and spending a challenge
//! belong to the caller.
//!
//! The measures are geometry on the 68 landmarks. Their unit of length is the distance between the
//! centres of the eyes.

#[cfg(test)]
mod attacks;
mod frame;
mod look;
mod pose;
mod rule;
mod steps;

pub use frame::Frame;
pub use pose::Pose;
pub use rule::{Answer, Bounds, Failure, Seen};
pub use steps::{FRAMES_PER_STEP, MAX_FRAMES, Step, Steps};
