//! Compares scores with those of `liveness.py`. `liveness.json` has its scores and its landmarks.
//!
//! The network is steep where it is undecided: one grey level in some pixels changes such a score by
//! 0.1. Only the PNG has the same pixels in both programs. JPEG decoders differ by a few levels, and
//! landmarks by parts of a pixel, which moves an edge of the crop.

use crate::{
    Engine, decode,
    geometry::Point,
    landmarks::{Landmarks, Points},
    locate::Located,
    picture::Picture,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// One record of `liveness.json`.
#[derive(serde::Deserialize)]
struct Record {
    /// Left, top and side of the part of the picture; otherwise the whole picture.
    square: Option<[usize; 3]>,
    points: Vec<(f32, f32)>,
    live: f32,
}

fn records() -> BTreeMap<String, Record> {
    serde_json::from_str(include_str!("../../tests/face/liveness.json")).unwrap()
}

/// Where `cargo xtask models` puts packs and pictures.
fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models")
}

/// A picture of the size of `like`, or larger by `border` on each side.
fn painted(like: &Picture, border: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
    let (width, height) = (like.width() + 2 * border, like.height() + 2 * border);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Picture::new(width, height, places.flat_map(|(x, y)| pixel(x, y)).collect()).unwrap()
}

/// The picture that a record is about.
fn pictured(label: &str, square: Option<[usize; 3]>) -> Picture {
    let (name, change) = label.split_once(' ').unwrap_or((label, ""));
    let (file, _) = name.split_once('@').unwrap_or((name, ""));
    let encoded =
        fs::read(models().join("faces").join(file)).expect("run `cargo xtask models` first");
    let mut picture = decode::decode(&encoded).unwrap();
    if let Some([left, top, side]) = square {
        let rows = (top..top + side).flat_map(|y| &picture.row(y)[left..left + side]);
        picture = Picture::new(side, side, rows.flatten().copied().collect()).unwrap();
    }
    match change {
        "" => picture,
        "mirrored" => painted(&picture, 0, |x, y| picture.row(y)[picture.width() - 1 - x]),
        "sheared" => {
            painted(&picture, 0, |x, y| x.checked_sub(y / 10).map_or([0; 3], |x| picture.row(y)[x]))
        }
        // On a white sheet, and the sheet on something dark.
        "printed" => {
            let border = picture.width() / 10;
            let framed = |inner: &Picture, grey| {
                let inside = |x: usize, y: usize| {
                    let (x, y) = (x.checked_sub(border)?, y.checked_sub(border)?);
                    (y < inner.height()).then(|| inner.row(y).get(x).copied())?
                };
                painted(inner, border, |x, y| inside(x, y).unwrap_or([grey; 3]))
            };
            framed(&framed(&picture, 235), 40)
        }
        _ => panic!("{label}: an unknown change"),
    }
}

/// Largest differences from the reference.
#[derive(Debug, Default)]
struct Differences {
    /// With the landmarks of the reference.
    given: f32,
    /// With its own landmarks.
    own: f32,
}

#[test]
fn scores_are_those_of_the_reference() {
    let engine = Engine::load(&models().join("packs/blaze-fr")).unwrap();
    let (mut png, mut alone, mut all) =
        (Differences::default(), Differences::default(), Differences::default());
    let (mut live, mut printed) = (0, 0);
    for (label, Record { square, points, live: expected }) in records() {
        let picture = pictured(&label, square);
        let located = engine.finder().face(&picture).unwrap();
        let score = |located: &Located| engine.live(&picture, located).unwrap().unwrap();
        let own = (score(&located) - expected).abs();
        let points = points.into_iter().map(|(x, y)| Point { x, y }).collect();
        let landmarks = Landmarks::All(Points::new(points));
        let given = (score(&Located { landmarks, ..located }) - expected).abs();
        println!(
            "{label}: {expected:.4}, {given:.4} off with the same landmarks, {own:.4} with its own"
        );
        let add = |to: &mut Differences| {
            *to = Differences { given: to.given.max(given), own: to.own.max(own) };
        };
        add(&mut all);
        if label.starts_with("32bit.png") {
            add(&mut png);
        }
        if square.is_none() && !label.contains(' ') {
            add(&mut alone);
        }
        *if expected > 0.5 { &mut live } else { &mut printed } += 1;
    }
    println!("PNG {png:?}, pictures of one person as they are {alone:?}, all {all:?}");
    assert!(live >= 30 && printed >= 10, "{live} {printed}");
    assert!(png.given <= 0.001 && png.own <= 0.01, "{png:?}");
    assert!(alone.given <= 0.01 && alone.own <= 0.01, "{alone:?}");
    assert!(all.given <= 0.05 && all.own <= 0.10, "{all:?}");
}
