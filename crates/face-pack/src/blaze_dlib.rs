//! The default pack: its source files, their conversion and its calibration.

use crate::{InstallError, Steps, convert, proof};
use fourauth_face::{
    Alignment, Bounds, Digest, LikenessRules, Threshold, Thresholds,
    manifest::{
        Channels, Detector, DetectorKind, Distance, Embedder, FORMAT, File, Landmarks, Manifest,
    },
    pack::{MANIFEST, PackError},
};
use std::{collections::HashMap, path::PathBuf};

/// Name and folder of the pack.
pub(crate) const NAME: &str = "blaze-dlib";

/// Contents of the needed files, by path.
pub(crate) type Weights = HashMap<&'static str, Vec<u8>>;

/// Needed files with their SHA-256: the first two from `@vladmandic/human@3.3.6`, the others from
/// `@vladmandic/face-api@1.7.15`.
pub(crate) const WEIGHTS: [(&str, &str); 6] = [
    (BLAZEFACE[0], "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f"),
    (BLAZEFACE[1], "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72"),
    (LANDMARK_68[0], "ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9"),
    (LANDMARK_68[1], "4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b"),
    (RECOGNITION[0], "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b"),
    (RECOGNITION[1], "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589"),
];

const BLAZEFACE: [&str; 2] = ["package/models/blazeface.json", "package/models/blazeface.bin"];
const LANDMARK_68: [&str; 2] = [
    "package/model/face_landmark_68_model-weights_manifest.json",
    "package/model/face_landmark_68_model.bin",
];
const RECOGNITION: [&str; 2] = [
    "package/model/face_recognition_model-weights_manifest.json",
    "package/model/face_recognition_model.bin",
];

/// Side of the detector's input, in pixels.
const DETECTOR_SIDE: u16 = 256;

/// Files of the pack.
const DETECTOR: &str = "detector.onnx";
const LANDMARKS: &str = "landmarks.onnx";
const EMBEDDER: &str = "embedder.onnx";

const LICENCE: &str = "MIT (@vladmandic/human, @vladmandic/face-api); BlazeFace by MediaPipe, Apache-2.0; \
    dlib's face recognition network, public domain (CC0); face-api's landmarks, MIT";

const SOURCE: &str = "npm: @vladmandic/human@3.3.6, @vladmandic/face-api@1.7.15";

/// Number of enrolled pictures, number of probe pictures, distance and false non-match rate, at a
/// false match rate of 1e-5 on Labeled Faces in the Wild.
///
/// The point of five and one was measured (5.3 million impostors, 2075 genuine). The other two
/// points of one probe picture are scaled by the ratio of the thresholds at 1e-4, rounded down.
/// Those of several are scaled by the ratio of quantiles at 1e-3 on 560 of the pictures, less 3 to
/// 4 %. docs/FACE.md has the figures. The last two rejection rates are copied from three and three,
/// because the 560 pictures have at most six of one person.
const CALIBRATION: [(u16, u16, f32, f32); 6] = [
    (1, 1, 0.300, 0.409),
    (3, 1, 0.280, 0.165),
    (5, 1, 0.278, 0.123),
    (3, 3, 0.250, 0.060),
    (5, 3, 0.248, 0.060),
    (5, 5, 0.244, 0.060),
];

/// False match rate at every threshold of the calibration.
const FALSE_MATCH_RATE: f32 = 1e-5;

/// Thresholds that earlier versions installed: enrolled, probes, distance. Their false match rate
/// is ten times as high.
const SUPERSEDED: [&[(u16, u16, f32)]; 1] =
    [&[(1, 1, 0.343), (3, 1, 0.316), (5, 1, 0.312), (3, 3, 0.271)]];

/// Ids of this pack in earlier versions: the SHA-256 of the installed `pack.toml`.
const FORMER_IDS: [&str; 1] = ["76f3b4c8de4a688094bf52fa3996263f42c9a1dcf9b7e511fd6f413f890224de"];

/// The converted networks, as ONNX.
pub(crate) struct Converted {
    detector: Vec<u8>,
    landmarks: Vec<u8>,
    embedder: Vec<u8>,
}

/// Converts the three networks and runs the self-test of each.
pub(crate) fn converted(
    weights: &Weights,
    steps: &mut Steps<'_>,
) -> Result<Converted, InstallError> {
    let pair = |[description, values]: [&'static str; 2]| {
        let bytes = |file| weights.get(file).ok_or(InstallError::Weights { file });
        Ok::<_, InstallError>((bytes(description)?, bytes(values)?))
    };
    steps.next("converting the detector".to_owned());
    let (graph, values) = pair(BLAZEFACE)?;
    let detector = convert::detector(graph, values)?;
    proof::DETECTOR.hold(&detector)?;

    steps.next("converting the landmarks".to_owned());
    let (manifest, values) = pair(LANDMARK_68)?;
    let landmarks = convert::landmarks(manifest, values)?;
    proof::LANDMARKS.hold(&landmarks)?;

    steps.next("converting the embedder".to_owned());
    let (manifest, values) = pair(RECOGNITION)?;
    let embedder = convert::embedder(manifest, values)?;
    proof::EMBEDDER.hold(&embedder)?;
    Ok(Converted { detector, landmarks, embedder })
}

/// The files of the pack, the manifest last.
pub(crate) fn files(networks: &Converted) -> Result<[(&'static str, Vec<u8>); 4], InstallError> {
    let malformed = |reason: String| PackError::Malformed { path: PathBuf::from(MANIFEST), reason };
    let manifest = manifest(networks).map_err(|flaw| malformed(flaw.to_owned()))?;
    let text = toml::to_string_pretty(&manifest).map_err(|error| malformed(error.to_string()))?;
    Ok([
        (DETECTOR, networks.detector.clone()),
        (LANDMARKS, networks.landmarks.clone()),
        (EMBEDDER, networks.embedder.clone()),
        (MANIFEST, text.into_bytes()),
    ])
}

fn manifest(networks: &Converted) -> Result<Manifest, &'static str> {
    let file = |name: &str, bytes: &[u8]| File { name: name.to_owned(), sha256: Digest::of(bytes) };
    Ok(Manifest {
        format: FORMAT,
        name: NAME.to_owned(),
        licence: LICENCE.to_owned(),
        source: SOURCE.to_owned(),
        distance: Distance::Euclidean,
        former_ids: former_ids()?,
        detector: Detector {
            kind: DetectorKind::BlazeFace,
            side: DETECTOR_SIDE,
            score: 0.5,
            file: file(DETECTOR, &networks.detector),
        },
        landmarks: Landmarks::FaceApi { file: file(LANDMARKS, &networks.landmarks) },
        embedder: Embedder {
            dimensions: 128,
            mirror: true,
            channels: Channels::Rgb,
            mean: [0.0; 3],
            scale: 1.0,
            alignment: Alignment::DlibChip { side: 150, padding: 0.22 },
            file: file(EMBEDDER, &networks.embedder),
        },
        pictures: LikenessRules::DLIB,
        quality: Bounds::default(),
        liveness: None,
        thresholds: thresholds()?,
    })
}

/// The manifest with the current calibration, if its calibration is from an earlier version.
///
/// A calibration that an operator has changed is kept.
pub(crate) fn recalibrated(old: &Manifest, text: &[u8]) -> Result<Option<Manifest>, &'static str> {
    let same = |points: &[(u16, u16, f32)]| {
        let found = old.thresholds.points().iter();
        found.map(|point| (point.enrolled, point.probes, point.distance)).eq(points.iter().copied())
    };
    if old.name != NAME || !SUPERSEDED.into_iter().any(same) {
        return Ok(None);
    }
    let mut manifest = Manifest { thresholds: thresholds()?, ..old.clone() };
    for id in former_ids()?.into_iter().chain([Digest::of(text)]) {
        if !manifest.former_ids.contains(&id) {
            manifest.former_ids.push(id);
        }
    }
    Ok(Some(manifest))
}

fn former_ids() -> Result<Vec<Digest>, &'static str> {
    let parsed = FORMER_IDS.map(|id| id.parse().map_err(|_| "a former id is not a SHA-256"));
    parsed.into_iter().collect()
}

fn thresholds() -> Result<Thresholds, &'static str> {
    let point = |(enrolled, probes, distance, false_non_match_rate)| Threshold {
        enrolled,
        probes,
        distance,
        false_match_rate: FALSE_MATCH_RATE,
        false_non_match_rate,
    };
    Thresholds::try_from(CALIBRATION.map(point).to_vec())
}
