//! `pack.toml`: the contents, origin and calibration of a pack.
//!
//! An unknown field is an error, so that a misspelt threshold is never replaced by a default.

use crate::{Alignment, Digest, Thresholds};
use serde::{Deserialize, Serialize};

/// The only version of the format so far.
pub const FORMAT: u32 = 1;

/// Upper bound of former ids of a pack.
const MAX_FORMER_IDS: usize = 16;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format, [`FORMAT`].
    pub format: u32,
    /// The name of the pack, which is also that of its folder.
    pub name: String,
    /// The licence of the networks.
    pub licence: String,
    /// The origin of the networks.
    pub source: String,
    /// The distance that the thresholds bound.
    pub distance: Distance,
    /// Ids that earlier versions gave to templates of the same networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_ids: Vec<Digest>,
    /// The network that finds faces.
    pub detector: Detector,
    /// The network that finds the points of a face.
    pub landmarks: Landmarks,
    /// The network that computes the embedding.
    pub embedder: Embedder,
    /// The calibration.
    pub thresholds: Thresholds,
}

/// Everything that affects the embedding of a detected face: no name, no licence, no threshold.
///
/// Its TOML text is hashed, so the names and order of the fields must not change.
#[derive(Serialize)]
struct Essence {
    distance: Distance,
    detector: DetectorKind,
    detector_sha256: Digest,
    landmarks: LandmarksKind,
    landmarks_sha256: Digest,
    mirror: bool,
    channels: Channels,
    mean: [f32; 3],
    scale: f32,
    embedder_sha256: Digest,
    alignment: Alignment,
}

/// The distance between two embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distance {
    /// Euclidean, between vectors of length 1.
    #[serde(rename = "euclidean on L2-normalised")]
    Euclidean,
}

/// An ONNX file next to `pack.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The name of the file.
    pub name: String,
    /// The hash of the file.
    pub sha256: Digest,
}

/// The network that finds faces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// The output format.
    pub kind: DetectorKind,
    /// Lower bound of the score of a face, 0 to 1.
    pub score: f32,
    /// The network.
    pub file: File,
}

/// The output format of the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetectorKind {
    /// BlazeFace with an input of 256 pixels.
    #[serde(rename = "blazeface-256")]
    BlazeFace,
}

/// The network that finds the points of a face.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landmarks {
    /// The output format.
    pub kind: LandmarksKind,
    /// The network.
    pub file: File,
}

/// The output format of the landmark network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LandmarksKind {
    /// The 68 points of face-api.
    #[serde(rename = "face-api-68")]
    FaceApi,
}

/// The network that computes the embedding, and the preparation of its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    /// True if the mirror image is embedded as well, and both are added.
    pub mirror: bool,
    /// The order of the planes of the input.
    pub channels: Channels,
    /// Subtracted from each channel, in the order of `channels`, from values of 0 to 255.
    pub mean: [f32; 3],
    /// Factor that is applied after the mean is subtracted.
    pub scale: f32,
    /// The template of the aligned face.
    pub alignment: Alignment,
    /// The network.
    pub file: File,
}

/// Order of the planes of an embedder's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

impl Manifest {
    /// Parses and checks a manifest, or returns a description of the fault.
    pub(crate) fn parse(text: &str) -> Result<Manifest, String> {
        let manifest = Manifest::parse_unchecked(text)?;
        manifest.flaw().map_or(Ok(manifest), |flaw| Err(flaw.to_owned()))
    }

    /// Parses a manifest without checks. An earlier version may have written it by other rules.
    ///
    /// # Errors
    ///
    /// A description of the fault, if the text does not have the form of a manifest.
    pub fn parse_unchecked(text: &str) -> Result<Manifest, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The id, which all packs with comparable embeddings share.
    pub(crate) fn id(&self) -> Result<Digest, String> {
        let Manifest { distance, detector, landmarks, embedder, .. } = self;
        let essence = Essence {
            distance: *distance,
            detector: detector.kind,
            detector_sha256: detector.file.sha256,
            landmarks: landmarks.kind,
            landmarks_sha256: landmarks.file.sha256,
            mirror: embedder.mirror,
            channels: embedder.channels,
            mean: embedder.mean,
            scale: embedder.scale,
            embedder_sha256: embedder.file.sha256,
            alignment: embedder.alignment,
        };
        let text = toml::to_string(&essence).map_err(|error| error.to_string())?;
        Ok(Digest::of(text.as_bytes()))
    }

    pub(crate) fn files(&self) -> [&File; 3] {
        [&self.detector.file, &self.landmarks.file, &self.embedder.file]
    }

    fn flaw(&self) -> Option<&'static str> {
        let Embedder { mean, scale, alignment, .. } = &self.embedder;
        let numbers = mean.iter().chain([scale]);
        if self.format != FORMAT {
            Some("unknown format version: format must be 1")
        } else if !plain(&self.name) || self.files().into_iter().any(|file| !plain(&file.name)) {
            Some("names consist of a-z, 0-9, '-', '_' and '.', and begin with a letter or digit")
        } else if !(self.detector.score > 0.0 && self.detector.score < 1.0) {
            Some("the detector's score must lie between 0 and 1")
        } else if !(32..=512).contains(&alignment.side()) {
            Some("the side of an aligned face must be 32 to 512 pixels")
        } else if matches!(alignment, Alignment::DlibChip { padding, .. } if !(0.0..=1.0).contains(padding))
        {
            Some("the padding must lie between 0 and 1")
        } else if !numbers.into_iter().all(|number| number.is_finite()) || *scale == 0.0 {
            Some("mean and scale must be finite numbers, and the scale must not be 0")
        } else if !self.thresholds.reach_every_count() {
            Some(
                "one threshold must be for at least 5 enrolled and 5 probe pictures; measure it, \
                 or copy that of the default pack if these are its networks",
            )
        } else if self.former_ids.len() > MAX_FORMER_IDS {
            Some("former_ids must have at most 16 ids")
        } else {
            None
        }
    }
}

/// True if a name is not a path and not a hidden file.
fn plain(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    (1..=64).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}
