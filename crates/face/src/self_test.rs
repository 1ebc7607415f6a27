//! Runs one network alone on a fixed pattern, so that an installer can compare its outputs with
//! recorded values. A network under test is not part of a pack yet.

use crate::{
    NetError, landmarks, liveness,
    manifest::DetectorKind,
    patterns,
    runtime::{Net, Runtime, Shape},
};

/// The role of a network in a pack. It determines the input and the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Finds faces.
    Detector {
        /// The output format.
        kind: DetectorKind,
        /// Side of the input, in pixels.
        side: usize,
    },
    /// Finds the points of a face, as the network of face-api.
    FaceApiLandmarks,
    /// Finds the points of a face in a grey picture.
    GreyLandmarks,
    /// Computes the embedding of an aligned face.
    Embedder {
        /// Side of the input, in pixels.
        side: usize,
        /// Number of values of the embedding.
        dimensions: usize,
    },
    /// Tells a face from a print or a screen.
    Liveness {
        /// Side of the input, in pixels.
        side: usize,
        /// Number of classes.
        classes: usize,
    },
}

impl Role {
    fn shape(self) -> Shape {
        match self {
            Self::Detector { kind, side } => kind.shape(side),
            Self::FaceApiLandmarks => landmarks::face_api_shape(),
            Self::GreyLandmarks => landmarks::grey_shape(),
            Self::Embedder { side, dimensions } => Shape::colours(side, vec![dimensions]),
            Self::Liveness { side, classes } => liveness::shape(side, classes),
        }
    }
}

/// Loads a network, runs it on the pattern and returns its outputs.
///
/// # Errors
///
/// [`NetError`] if the bytes are not a network, or not one of this role.
pub fn outputs(onnx: &[u8], role: Role) -> Result<Vec<Vec<f32>>, NetError> {
    let shape = role.shape();
    let pattern = patterns::stripes(shape.side);
    // A grey network sees the first plane.
    let input = pattern.values()[..shape.input()].to_vec();
    Net::load(&Runtime::default(), onnx, shape)?.run(&input)
}
