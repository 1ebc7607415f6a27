//! Converts the networks of the packs to ONNX: from TensorFlow.js weights, or from ONNX files that
//! would run slowly.
//!
//! Networks from TensorFlow.js are defined layer by layer, so an unexpected weight file is an error
//! and never results in a different network. Their input is RGB planes from 0 to 255,
//! `[1, 3, side, side]`; the normalisation is part of the network. An ONNX file keeps its input.
//!
//! Equal weights give equal bytes, so a pack has the same id on every machine.

mod detector;
mod embedder;
mod graph;
mod landmarks;
mod network;
mod onnx;
mod tensor;
mod tfjs;

/// The weights do not fit the network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unexpected weights: {0}")]
pub struct ConvertError(String);

impl ConvertError {
    fn new(what: String) -> ConvertError {
        ConvertError(what)
    }
}

/// Converts BlazeFace from `blazeface.json` and `blazeface.bin`, for square pictures of this side.
pub(crate) fn detector(graph: &[u8], weights: &[u8], side: usize) -> Result<Vec<u8>, ConvertError> {
    detector::detector(graph, weights, side)
}

/// Converts the network for the 68 landmarks from its manifest and weights.
pub(crate) fn landmarks(manifest: &[u8], weights: &[u8]) -> Result<Vec<u8>, ConvertError> {
    landmarks::landmarks(&layers(manifest, weights)?)
}

/// Converts dlib's embedder from its manifest and weights.
pub(crate) fn embedder(manifest: &[u8], weights: &[u8]) -> Result<Vec<u8>, ConvertError> {
    embedder::embedder(&layers(manifest, weights)?)
}

/// Makes a network faster that its package contains as ONNX.
pub(crate) fn network(onnx: &[u8]) -> Result<Vec<u8>, ConvertError> {
    Ok(network::Network::read(onnx)?.without_tiny_weights().without_prelu()?.written())
}

fn layers(manifest: &[u8], weights: &[u8]) -> Result<tfjs::Weights, ConvertError> {
    let groups: Vec<tfjs::Group> = serde_json::from_slice(manifest)
        .map_err(|error| ConvertError::new(format!("cannot parse the manifest: {error}")))?;
    tfjs::weights(&groups, weights)
}
