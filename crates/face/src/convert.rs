//! TensorFlow.js weights in, ONNX out: the three networks of the default pack.
//!
//! The networks are written down layer by layer, so an unexpected weight file is an error and never a
//! different network. Equal weights give equal bytes, so a pack has the same id wherever it was built.
//!
//! Every network takes RGB planes from 0 to 255, `[1, 3, side, side]`; its normalisation is part of it.

mod detector;
mod embedder;
mod graph;
mod landmarks;
mod onnx;
mod tensor;
mod tfjs;

/// The weights are not what the network expects.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unexpected weights: {0}")]
pub struct ConvertError(String);

impl ConvertError {
    fn new(what: String) -> ConvertError {
        ConvertError(what)
    }
}

/// BlazeFace from `blazeface.json` and `blazeface.bin`.
pub(crate) fn detector(graph: &[u8], weights: &[u8]) -> Result<Vec<u8>, ConvertError> {
    detector::detector(graph, weights)
}

/// The 68 landmarks from their manifest and weights.
pub(crate) fn landmarks(manifest: &[u8], weights: &[u8]) -> Result<Vec<u8>, ConvertError> {
    landmarks::landmarks(&layers(manifest, weights)?)
}

/// dlib's embedder from its manifest and weights.
pub(crate) fn embedder(manifest: &[u8], weights: &[u8]) -> Result<Vec<u8>, ConvertError> {
    embedder::embedder(&layers(manifest, weights)?)
}

fn layers(manifest: &[u8], weights: &[u8]) -> Result<tfjs::Weights, ConvertError> {
    let groups: Vec<tfjs::Group> = serde_json::from_slice(manifest)
        .map_err(|error| ConvertError::new(format!("the manifest: {error}")))?;
    tfjs::weights(&groups, weights)
}
