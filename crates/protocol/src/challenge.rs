//! Face challenges on the wire: what the server asks a person to do before the camera, and the frames
//! that show it.

use crate::{grant::GrantToken, picture::Picture};
use serde::{Deserialize, Serialize};

pub use crate::words::{ChallengeStep, ChallengeUse};

/// Frames that are taken for each step.
pub const FRAMES_PER_STEP: usize = 2;

/// Maximum number of frames in one answer: a face at rest, and two frames for each of three steps.
pub const MAX_FRAMES: usize = 7;

/// How long a challenge can be answered, in milliseconds.
pub const LIFETIME_MS: i64 = 30_000;

/// The answer to a challenge: the frames of a camera, in the order in which they were taken.
///
/// The first one shows the face at rest. Two follow for each step, taken while the person does what the
/// step asks for. Frames are not mirrored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FaceChallenge {
    /// The `challenge` of the answer to 154.
    pub id: GrantToken,
    /// The frames.
    #[serde(deserialize_with = "crate::picture::bounded_frames")]
    #[cfg_attr(feature = "schema", schemars(length(max = 7)))]
    pub frames: Vec<Picture>,
}

impl FaceChallenge {
    /// The answer to the challenge `id`.
    #[must_use]
    pub const fn new(id: GrantToken, frames: Vec<Picture>) -> Self {
        Self { id, frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::GRANT_BYTES;

    fn read(frames: usize) -> Result<FaceChallenge, serde_json::Error> {
        let challenge = FaceChallenge::new(
            GrantToken::from_bytes([7; GRANT_BYTES]),
            vec![Picture::new(b"frame".to_vec()); frames],
        );
        serde_json::from_value(serde_json::to_value(challenge).unwrap())
    }

    #[test]
    fn an_answer_has_at_most_seven_frames() {
        assert_eq!(read(MAX_FRAMES).unwrap().frames.len(), MAX_FRAMES);
        assert!(read(MAX_FRAMES + 1).is_err());
    }
}
