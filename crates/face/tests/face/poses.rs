//! Compares the measures of a challenge on pictures with those of `landmarks.py`, which has the landmarks
//! of face-api.

use crate::support::{FIRST_ENGINE, decoded, png};
use fourauth_face::{Refusal, challenge::Frame};
use image::{DynamicImage, RgbImage, imageops};
use std::collections::BTreeMap;

#[derive(serde::Deserialize)]
struct Record {
    yaw: f32,
    mouth: f32,
    parallax: Option<f32>,
}

/// The picture as it is, or the part of it from `name@left`.
fn original(name: &str) -> DynamicImage {
    match name.split_once('@') {
        None => decoded(name),
        Some((picture, left)) => {
            let is_it = |(other, [at, ..]): &&(&str, [u32; 3])| {
                *other == picture && left.parse() == Ok(*at)
            };
            let (_, [left, top, side]) = crate::gallery::OTHER_PEOPLE.iter().find(is_it).unwrap();
            decoded(picture).crop_imm(*left, *top, *side, *side)
        }
    }
}

/// Each row moved to the right by a tenth of its number, with black before it.
fn sheared(picture: &DynamicImage) -> DynamicImage {
    let rgb = picture.to_rgb8();
    let moved = |x: u32, y: u32| x.checked_sub(y / 10).map(|x| *rgb.get_pixel(x, y));
    let pixel = |x, y| moved(x, y).unwrap_or(image::Rgb([0; 3]));
    RgbImage::from_fn(rgb.width(), rgb.height(), pixel).into()
}

fn seen(picture: &DynamicImage) -> Result<Frame, Refusal> {
    FIRST_ENGINE.frame(&png(picture))
}

#[test]
fn poses_of_pictures_match_the_reference() {
    let records: BTreeMap<String, Record> =
        serde_json::from_str(include_str!("landmarks.json")).unwrap();
    let mut compared = 0;
    for (label, expected) in &records {
        let (name, change) = label.split_once(' ').unwrap_or((label, ""));
        let picture = original(name);
        let changed = match change {
            "" => picture.clone(),
            "mirrored" => imageops::flip_horizontal(&picture.to_rgb8()).into(),
            "sheared" => sheared(&picture),
            // The faces with depth are compared by their landmarks.
            _ => continue,
        };
        let frame = seen(&changed).unwrap_or_else(|refusal| panic!("{label}: {refusal}"));
        let pose = frame.pose();
        // The faces in group pictures are small: a pixel is a hundredth of the distance between the eyes.
        let tolerance = if name.contains('@') { 0.02 } else { 0.01 };
        assert!((pose.yaw - expected.yaw).abs() <= tolerance, "{label}: {pose:?}");
        assert!((pose.mouth - expected.mouth).abs() <= tolerance, "{label}: {pose:?}");
        if let Some(expected) = expected.parallax {
            let parallax = frame.parallax(&seen(&picture).unwrap());
            assert!((parallax - expected).abs() <= 0.01, "{label}: {parallax}");
        }
        compared += 1;
    }
    assert!(compared >= 24, "{compared} pictures");
}
