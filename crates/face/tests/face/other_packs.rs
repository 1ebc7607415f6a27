//! Packs of other shapes: an embedder with 512 values, and a detector with the outputs of `YuNet`.

use crate::{
    onnx::constant_network,
    pack_copy::pack_folder_of,
    support::{decoded, png},
};
use fourauth_face::{Digest, Embedding, Engine, Likeness, Refusal};
use image::{DynamicImage, imageops::FilterType};
use std::{fs, path::Path};

/// Side of the detector's input, in pixels.
const SIDE: u16 = 320;

/// Side of the pictures that the detector is made for, in pixels.
const PICTURE: u16 = 480;

/// Where the detector sees the face in them: centre and size of the box.
const BOX: [f32; 4] = [239.0, 259.0, 274.0, 276.0];

/// And right eye, left eye, nose, right and left corner of the mouth.
const POINTS: [[f32; 2]; 5] =
    [[185.0, 190.0], [295.0, 190.0], [242.0, 254.0], [179.0, 300.0], [301.0, 299.0]];

/// The outputs of `YuNet` for one face at that place.
fn yunet_outputs() -> Vec<Vec<f32>> {
    let strides = [8_u16, 16, 32];
    let empty = |values: usize| {
        strides.map(move |stride| vec![0.0; usize::from(SIDE / stride).pow(2) * values])
    };
    let mut outputs: Vec<Vec<f32>> = [1, 1, 4, 10].into_iter().flat_map(empty).collect();
    let (stride, places) = (f32::from(strides[1]), usize::from(SIDE / strides[1]));
    let scale = f32::from(SIDE) / f32::from(PICTURE) / stride;
    // The place in the fifth row and column of the grid of 16 pixels.
    let (column, row) = (4.0, 4.0);
    let place = 4 * places + 4;
    outputs[1][place] = 0.9;
    outputs[4][place] = 0.9;
    let [x, y, width, height] = BOX.map(|value| value * scale);
    outputs[7][place * 4..place * 4 + 4].copy_from_slice(&[
        x - column,
        y - row,
        width.ln(),
        height.ln(),
    ]);
    let points = POINTS.iter().flat_map(|[x, y]| [x * scale - column, y * scale - row]);
    outputs[10].splice(place * 10..place * 10 + 10, points);
    outputs
}

/// A folder with the embedder of the default pack, which has 512 values, and this detector.
fn pack(folder: &Path) {
    let detector = constant_network(SIDE.into(), &yunet_outputs());
    let embedder = fs::read(pack_folder_of("blaze-fr").join("embedder.onnx"))
        .expect("run `cargo xtask models` first");
    let hash = Digest::of;
    let manifest = format!(
        r#"format = 2
name = "ours"
licence = "none"
source = "a test"
distance = "euclidean on L2-normalised"

[detector]
kind = "yunet"
side = {SIDE}
score = 0.7
file = {{ name = "detector.onnx", sha256 = "{}" }}

[landmarks]
kind = "none"

[embedder]
dimensions = 512
mirror = false
channels = "rgb"
mean = [127.0, 127.0, 127.0]
scale = 0.0078125
alignment = {{ kind = "five-points", side = 112 }}
file = {{ name = "embedder.onnx", sha256 = "{}" }}

[pictures]
agreement = 1.15
same_picture = 0.3
scatter = 1.12

[[thresholds]]
enrolled = 5
probes = 5
distance = 1.0
false_match_rate = 1e-5
false_non_match_rate = 0.1
"#,
        hash(&detector),
        hash(&embedder),
    );
    fs::write(folder.join("detector.onnx"), detector).unwrap();
    fs::write(folder.join("embedder.onnx"), embedder).unwrap();
    fs::write(folder.join("pack.toml"), manifest).unwrap();
}

/// The part of a picture with the middle of the eyes, and the distance between them, where the
/// detector sees them.
fn framed(name: &str, eyes: [f32; 2], between: f32) -> DynamicImage {
    let side = f32::from(PICTURE) * between / (POINTS[1][0] - POINTS[0][0]);
    let left = eyes[0] - side * 240.0 / f32::from(PICTURE);
    let top = eyes[1] - side * 190.0 / f32::from(PICTURE);
    let [left, top, side] = [left, top, side].map(|value| value.max(0.0) as u32);
    let part = decoded(name).crop_imm(left, top, side, side);
    part.resize_exact(PICTURE.into(), PICTURE.into(), FilterType::Triangle)
}

fn embedding(engine: &Engine, picture: &DynamicImage) -> Embedding {
    engine.portrait(&png(picture)).unwrap().embedding
}

#[test]
fn a_pack_with_512_values_and_yunet_tells_people_apart() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    let engine = Engine::load(folder.path()).unwrap();
    let pack = engine.pack();
    assert_eq!(pack.dimensions(), 512);
    assert!(!engine.judges_liveness());

    let obama = framed("obama.jpg", [494.0, 213.0], 106.0);
    let enrolled = Likeness::of(&[embedding(&engine, &obama)], pack.likeness_rules()).unwrap();
    let distance = |name, eyes, between| {
        let found = embedding(&engine, &framed(name, eyes, between));
        assert_eq!(found.values().len(), 512);
        enrolled.mean().distance(&found)
    };
    let again = distance("obama3.jpg", [795.0, 391.0], 118.0);
    let other = distance("biden.jpg", [590.0, 335.0], 120.0);
    println!("the same person {again:.3}, another {other:.3}");
    let limit = pack.limits(1, 1).mean;
    assert!(again <= limit, "{again}");
    assert!(other > limit, "{other}");
}

#[test]
fn a_face_that_reaches_beyond_the_picture_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    let engine = Engine::load(folder.path()).unwrap();
    // The detector always sees a face at the same place of the square around the picture.
    let narrow = framed("obama.jpg", [494.0, 213.0], 106.0).crop_imm(0, 0, 200, 480);
    assert_eq!(engine.portrait(&png(&narrow)), Err(Refusal::CutOff));
}

#[test]
fn a_detector_without_corners_of_the_mouth_needs_landmarks() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    crate::pack_copy::edit(folder.path(), "kind = \"yunet\"", "kind = \"blazeface\"");
    let error = Engine::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("need a detector of kind"), "{error}");
}
