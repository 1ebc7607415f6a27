//! Version 1 of `pack.toml`: `BlazeFace` at 256 pixels, the landmarks of face-api, 128 values.

use super::{
    Channels, Detector, DetectorKind, Distance, Embedder, FORMAT as LATEST, File, Landmarks,
};
use crate::{Alignment, Bounds, Digest, LikenessRules, Thresholds};
use serde::Deserialize;

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    #[serde(rename = "format")]
    _format: u32,
    name: String,
    licence: String,
    source: String,
    distance: Distance,
    #[serde(default)]
    former_ids: Vec<Digest>,
    detector: DetectorV1,
    landmarks: Landmarks,
    embedder: EmbedderV1,
    thresholds: Thresholds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectorV1 {
    #[serde(rename = "kind")]
    _kind: KindV1,
    score: f32,
    file: File,
}

#[derive(Deserialize)]
enum KindV1 {
    #[serde(rename = "blazeface-256")]
    BlazeFace,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbedderV1 {
    mirror: bool,
    channels: Channels,
    mean: [f32; 3],
    scale: f32,
    alignment: Alignment,
    file: File,
}

impl From<Manifest> for super::Manifest {
    fn from(old: Manifest) -> super::Manifest {
        super::Manifest {
            format: LATEST,
            name: old.name,
            licence: old.licence,
            source: old.source,
            distance: old.distance,
            former_ids: old.former_ids,
            detector: Detector {
                kind: DetectorKind::BlazeFace,
                side: 256,
                score: old.detector.score,
                file: old.detector.file,
            },
            landmarks: old.landmarks,
            embedder: Embedder {
                dimensions: 128,
                mirror: old.embedder.mirror,
                channels: old.embedder.channels,
                mean: old.embedder.mean,
                scale: old.embedder.scale,
                alignment: old.embedder.alignment,
                file: old.embedder.file,
            },
            pictures: LikenessRules::DLIB,
            quality: Bounds::default(),
            liveness: None,
            thresholds: old.thresholds,
        }
    }
}
