//! Runs one network alone on a fixed pattern, so that an installer can compare its outputs with
//! recorded values. A network under test is not part of a pack yet.

use crate::{
    NetError, detect,
    embedding::DIMENSIONS,
    engine::{DETECTOR_SIDE, LANDMARKS_SIDE},
    landmarks,
    picture::Planes,
    runtime::Net,
};

/// The role of a network in a pack. It determines the input and the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Finds faces.
    Detector,
    /// Finds the points of a face.
    Landmarks,
    /// Computes the embedding of an aligned face.
    Embedder {
        /// Side of the input, in pixels.
        side: usize,
    },
}

impl Role {
    fn side(self) -> usize {
        match self {
            Self::Detector => DETECTOR_SIDE,
            Self::Landmarks => LANDMARKS_SIDE,
            Self::Embedder { side } => side,
        }
    }

    fn outputs(self) -> &'static [usize] {
        match self {
            Self::Detector => &detect::OUTPUTS,
            Self::Landmarks => &landmarks::OUTPUTS,
            Self::Embedder { .. } => &[DIMENSIONS],
        }
    }
}

/// Loads a network, runs it on the pattern and returns its outputs.
///
/// # Errors
///
/// [`NetError`] if the bytes are not a network, or not one of this role.
pub fn outputs(onnx: &[u8], role: Role) -> Result<Vec<Vec<f32>>, NetError> {
    Net::load(onnx, role.side(), role.outputs())?.run(&pattern(role.side()))
}

/// Stripes of integers from 0 to 255 that differ between rows, columns and planes.
fn pattern(side: usize) -> Planes {
    let mut planes = Planes::black(side);
    for y in 0..side {
        for x in 0..side {
            planes.put(x, y, [0, 40, 80].map(|plane| byte(x * 3 + y * 5 + plane + x * y / 64)));
        }
    }
    planes
}

fn byte(value: usize) -> f32 {
    u8::try_from(value % 256).map_or(0.0, f32::from)
}
