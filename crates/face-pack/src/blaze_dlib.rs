//! The first pack: its source files, their conversion and its calibration.
//!
//! Its embedder is weaker than that of [`blaze_fr`](crate::blaze_fr). It stays installable for
//! servers that have templates of it.

use crate::{
    convert, proof,
    recipe::{
        Calibration, DETECTOR, EMBEDDER, Ingredient, LANDMARKS, Networks, Origin, Parts, Recipe,
        WeightFile,
    },
};
use fourauth_face::{
    Alignment, Bounds, LikenessRules,
    manifest::{Channels, Embedder, Landmarks},
};

pub(crate) const RECIPE: Recipe = Recipe {
    name: "blaze-dlib",
    packages: &["@vladmandic/human@3.3.6", "@vladmandic/face-api@1.7.15"],
    networks: &[
        Ingredient {
            network: "detector",
            file: DETECTOR,
            origin: Origin::TensorFlow(BLAZEFACE, |graph, weights| {
                convert::detector(graph, weights, DETECTOR_SIDE.into())
            }),
            proof: proof::DETECTOR_256,
        },
        Ingredient {
            network: "landmarks",
            file: LANDMARKS,
            origin: Origin::TensorFlow(
                [
                    WeightFile {
                        path: "package/model/face_landmark_68_model-weights_manifest.json",
                        sha256: "ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9",
                    },
                    WeightFile {
                        path: "package/model/face_landmark_68_model.bin",
                        sha256: "4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b",
                    },
                ],
                convert::landmarks,
            ),
            proof: proof::FACE_API_LANDMARKS,
        },
        Ingredient {
            network: "embedder",
            file: EMBEDDER,
            origin: Origin::TensorFlow(
                [
                    WeightFile {
                        path: "package/model/face_recognition_model-weights_manifest.json",
                        sha256: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
                    },
                    WeightFile {
                        path: "package/model/face_recognition_model.bin",
                        sha256: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
                    },
                ],
                convert::embedder,
            ),
            proof: proof::DLIB_EMBEDDER,
        },
    ],
    licence: LICENCE,
    source: SOURCE,
    detector_side: DETECTOR_SIDE,
    parts,
    calibration: CALIBRATION,
};

/// BlazeFace, which is in `@vladmandic/human@3.3.6`.
pub(crate) const BLAZEFACE: [WeightFile; 2] = [
    WeightFile {
        path: "package/models/blazeface.json",
        sha256: "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f",
    },
    WeightFile {
        path: "package/models/blazeface.bin",
        sha256: "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72",
    },
];

/// Side of the detector's input, in pixels.
const DETECTOR_SIDE: u16 = 256;

const LICENCE: &str = "MIT (@vladmandic/human, @vladmandic/face-api); BlazeFace by MediaPipe, Apache-2.0; \
    dlib's face recognition network, public domain (CC0); face-api's landmarks, MIT";

const SOURCE: &str = "npm: @vladmandic/human@3.3.6, @vladmandic/face-api@1.7.15";

/// Thresholds at a false match rate of 1e-5 on Labeled Faces in the Wild.
///
/// The point of five and one was measured (5.3 million impostors, 2075 genuine). The other two
/// points of one probe picture are scaled by the ratio of the thresholds at 1e-4, rounded down.
/// Those of several are scaled by the ratio of quantiles at 1e-3 on 560 of the pictures, less 3 to
/// 4 %. docs/FACE.md has the figures. The last two rejection rates are copied from three and three,
/// because the 560 pictures have at most six of one person.
const CALIBRATION: Calibration = Calibration {
    points: &[
        (1, 1, 0.300, 0.409),
        (3, 1, 0.280, 0.165),
        (5, 1, 0.278, 0.123),
        (3, 3, 0.250, 0.060),
        (5, 3, 0.248, 0.060),
        (5, 5, 0.244, 0.060),
    ],
    false_match_rate: 1e-5,
    // The false match rate of these was ten times as high.
    superseded: &[&[(1, 1, 0.343), (3, 1, 0.316), (5, 1, 0.312), (3, 3, 0.271)]],
    former_ids: &["76f3b4c8de4a688094bf52fa3996263f42c9a1dcf9b7e511fd6f413f890224de"],
};

fn parts(networks: &Networks) -> Result<Parts, &'static str> {
    Ok(Parts {
        landmarks: Landmarks::FaceApi { file: networks.entry(LANDMARKS)? },
        embedder: Embedder {
            dimensions: 128,
            mirror: true,
            channels: Channels::Rgb,
            mean: [0.0; 3],
            scale: 1.0,
            alignment: Alignment::DlibChip { side: 150, padding: 0.22 },
            file: networks.entry(EMBEDDER)?,
        },
        pictures: LikenessRules::DLIB,
        quality: Bounds::default(),
        liveness: None,
    })
}
