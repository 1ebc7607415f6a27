//! `pack.toml`: the contents, origin and calibration of a pack.
//!
//! An unknown field is an error, so that a misspelt threshold is never replaced by a default. Version 1
//! of the format, which had one kind of each network, is still read.

mod flaw;
mod version_1;

use crate::{Alignment, Bounds, Digest, LikenessRules, Thresholds};
use serde::{Deserialize, Serialize};

/// The version of the format that is written.
pub const FORMAT: u32 = 2;

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
    /// The origin of the networks and of the calibration.
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
    /// How the pictures of one command are compared with each other.
    pub pictures: LikenessRules,
    /// The quality that a face must have. Bounds that are left out are those of the default pack.
    #[serde(default)]
    pub quality: Bounds,
    /// The networks that tell a face from a print or a screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Liveness>,
    /// The calibration.
    pub thresholds: Thresholds,
}

/// Everything that affects the embedding of a detected face: no name, no licence, no threshold.
///
/// Its TOML text is hashed, so the names and order of the fields must not change.
#[derive(Serialize)]
struct Essence {
    distance: Distance,
    /// Kind and side.
    detector: String,
    detector_sha256: Digest,
    landmarks: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    landmarks_sha256: Option<Digest>,
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
    /// Side of the square input, in pixels: a multiple of 32.
    pub side: u16,
    /// Lower bound of the score of a face, 0 to 1.
    pub score: f32,
    /// The network.
    pub file: File,
}

/// The output format of the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorKind {
    /// `BlazeFace`: box and six points, in colours from 0 to 255.
    BlazeFace,
    /// `YuNet`: box and five points.
    YuNet,
    /// SCRFD with five points.
    Scrfd,
}

/// The network that finds the points of a face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
pub enum Landmarks {
    /// The 68 points of face-api.
    #[serde(rename = "face-api-68")]
    FaceApi {
        /// The network.
        file: File,
    },
    /// 68 points by a network of 64 × 64 grey pixels, brightness divided by 256.
    #[serde(rename = "grey-64")]
    Grey {
        /// The network.
        file: File,
    },
    /// No network: the five points of the detector.
    #[serde(rename = "none")]
    None,
}

/// The network that computes the embedding, and the preparation of its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    /// Number of values of an embedding, 64 to 512.
    pub dimensions: u16,
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

/// Order of the planes of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// The networks that tell a face from a print or a screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Liveness {
    /// The output format.
    pub kind: LivenessKind,
    /// Lower bound of the score of a live face, 0 to 1. The score is the mean over the networks.
    pub threshold: f32,
    /// The networks, 1 to 4.
    pub networks: Vec<LivenessNetwork>,
}

/// The output format of the networks of [`Liveness`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LivenessKind {
    /// A square around the face in, one number for each class out. Their softmax is the score.
    #[serde(rename = "crop-softmax")]
    CropSoftmax,
}

/// One network of [`Liveness`]. Its input has values from 0 to 255.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivenessNetwork {
    /// Side of the square input, in pixels.
    pub side: u16,
    /// The part of the picture: the box from hair line to chin, enlarged by this factor.
    pub scale: f32,
    /// The order of the planes of the input.
    pub channels: Channels,
    /// Number of classes.
    pub classes: u8,
    /// The class of live faces, from 0.
    pub live_class: u8,
    /// The network.
    pub file: File,
}

impl Manifest {
    /// Parses and checks a manifest, or returns a description of the fault.
    pub(crate) fn parse(text: &str) -> Result<Manifest, String> {
        let manifest = Manifest::parse_unchecked(text)?;
        flaw::of(&manifest).map_or(Ok(manifest), Err)
    }

    /// Parses a manifest without checks. An earlier version may have written it by other rules.
    ///
    /// # Errors
    ///
    /// A description of the fault, if the text does not have the form of a manifest.
    pub fn parse_unchecked(text: &str) -> Result<Manifest, String> {
        let described = |error: toml::de::Error| error.to_string();
        let Version { format } = toml::from_str(text).map_err(described)?;
        if format == version_1::FORMAT {
            return toml::from_str::<version_1::Manifest>(text).map(Into::into).map_err(described);
        }
        toml::from_str(text).map_err(described)
    }

    /// The id, which all packs with comparable embeddings share.
    pub(crate) fn id(&self) -> Result<Digest, String> {
        let Manifest { distance, detector, landmarks, embedder, .. } = self;
        let essence = Essence {
            distance: *distance,
            detector: format!("{}-{}", detector.kind.name(), detector.side),
            detector_sha256: detector.file.sha256,
            landmarks: landmarks.name(),
            landmarks_sha256: landmarks.file().map(|file| file.sha256),
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

    /// The keys that describe the input and the outputs of a network.
    pub(crate) fn keys_of(&self, file: &File) -> &'static str {
        if *file == self.detector.file {
            "`detector.kind` and `detector.side`"
        } else if *file == self.embedder.file {
            "`embedder.dimensions` and the side of `embedder.alignment`"
        } else if self.landmarks.file() == Some(file) {
            "`landmarks.kind`"
        } else {
            "`side` and `classes` of its entry in `liveness.networks`"
        }
    }

    /// All files of the pack.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        let liveness = self.liveness.iter().flat_map(|liveness| &liveness.networks);
        [&self.detector.file, &self.embedder.file]
            .into_iter()
            .chain(self.landmarks.file())
            .chain(liveness.map(|network| &network.file))
    }
}

/// The version of a manifest, whatever else it has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl DetectorKind {
    const fn name(self) -> &'static str {
        match self {
            Self::BlazeFace => "blazeface",
            Self::YuNet => "yunet",
            Self::Scrfd => "scrfd",
        }
    }
}

impl Landmarks {
    const fn name(&self) -> &'static str {
        match self {
            Self::FaceApi { .. } => "face-api-68",
            Self::Grey { .. } => "grey-64",
            Self::None => "none",
        }
    }

    /// The network, if there is one.
    #[must_use]
    pub const fn file(&self) -> Option<&File> {
        match self {
            Self::FaceApi { file } | Self::Grey { file } => Some(file),
            Self::None => None,
        }
    }
}
