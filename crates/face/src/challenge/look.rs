//! Looks at the frames of an answer with the networks of a pack.
//!
//! A frame in a turn is held to bounds of its own: the gate for a login would refuse every person that obeys.

use super::{frame::Frame, rule};
use crate::{Bounds, Engine, Refusal, manifest};

impl Engine {
    /// True if the pack finds the landmarks that a challenge is judged by.
    #[must_use]
    pub fn can_challenge(&self) -> bool {
        match self.pack().manifest.landmarks {
            manifest::Landmarks::FaceApi { .. } | manifest::Landmarks::Grey { .. } => true,
            manifest::Landmarks::None => false,
        }
    }

    /// What frames are held to. A turned face lies further from the template than a login allows, so
    /// all frames but the first may be as far from it as two pictures of one person from each other.
    #[must_use]
    pub fn challenge_bounds(&self) -> rule::Bounds {
        let agreement = self.pack().likeness_rules().agreement;
        let live = self.pack().live_threshold().filter(|_| self.judges_liveness());
        rule::Bounds { template: agreement, pair: agreement, live }
    }

    /// Looks at the frame of a face at rest, which must pass the quality gate as at a login.
    ///
    /// # Errors
    ///
    /// Every [`Refusal`] except [`Refusal::Disagree`] and [`Refusal::NotLive`].
    pub fn front_frame(&self, picture: &[u8]) -> Result<Frame, Refusal> {
        self.framed(picture, &self.pack().manifest.quality)
    }

    /// Looks at a frame of a face that may be turned or have its mouth open.
    ///
    /// # Errors
    ///
    /// Every [`Refusal`] except [`Refusal::Disagree`] and [`Refusal::NotLive`].
    pub fn frame(&self, picture: &[u8]) -> Result<Frame, Refusal> {
        self.framed(picture, &self.pack().manifest.quality.in_motion())
    }

    fn framed(&self, picture: &[u8], bounds: &Bounds) -> Result<Frame, Refusal> {
        let (portrait, landmarks) = self.examined(picture, bounds)?;
        Frame::new(portrait, landmarks).ok_or(Refusal::Turned)
    }
}
