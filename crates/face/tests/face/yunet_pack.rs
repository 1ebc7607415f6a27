//! A pack that a test makes: 512 values, and a detector with the outputs of `YuNet` that sees one face
//! at the same place of every picture. The tests of the whole system use it as well.

use super::onnx::constant_network;
use fourauth_face::Digest;
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

/// Writes a pack with this detector and an embedder of 112 × 112 pixels with 512 values.
pub(crate) fn write(folder: &Path, embedder: &[u8]) {
    let detector = constant_network(SIDE.into(), &yunet_outputs());
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
        hash(embedder),
    );
    fs::write(folder.join("detector.onnx"), detector).unwrap();
    fs::write(folder.join("embedder.onnx"), embedder).unwrap();
    fs::write(folder.join("pack.toml"), manifest).unwrap();
}

/// A face in a test picture: the middle of the eyes, and the distance between them, in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Eyes {
    middle: [u32; 2],
    between: u32,
}

/// The face in `obama.jpg`.
pub(crate) const OBAMA: Eyes = Eyes { middle: [494, 213], between: 106 };

/// The face in `obama3.jpg`.
pub(crate) const OBAMA_3: Eyes = Eyes { middle: [795, 391], between: 118 };

/// The face in `biden.jpg`.
pub(crate) const BIDEN: Eyes = Eyes { middle: [590, 335], between: 120 };

/// The part of a picture that has a face where the detector sees one.
pub(crate) fn framed(
    picture: &DynamicImage,
    Eyes { middle: [x, y], between }: Eyes,
) -> DynamicImage {
    // The detector sees the eyes 110 pixels apart, with their middle 240 from the left and 190 from
    // the top.
    let made_for = u32::from(PICTURE);
    let side = made_for * between / 110;
    let left = x.saturating_sub(side * 240 / made_for);
    let top = y.saturating_sub(side * 190 / made_for);
    let part = picture.crop_imm(left, top, side, side);
    part.resize_exact(made_for, made_for, FilterType::Triangle)
}
