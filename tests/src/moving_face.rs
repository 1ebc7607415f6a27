//! Frames of a face that moves, made of one test picture and a map of depths.
//!
//! There are no turned photographs among the test pictures. A mesh over the 68 landmarks of a picture
//! gets the depths of an average head, is turned, and is painted with the pixels of the picture. The
//! real networks see such frames as a head that turns or opens its mouth. This says nothing about how
//! well they see real heads, only that the whole way from pixels to the decision works.

use crate::models::picture_file;
use fourauth_protocol::{challenge::ChallengeStep, picture::Picture};
use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How far each landmark lies before the plane of the eyes, in distances between the eyes.
const DEPTHS: [f32; 68] = [
    -0.7, -0.7, -0.7, -0.6, -0.6, -0.4, -0.3, 0.0, 0.0, 0.0, -0.3, -0.4, -0.6, -0.6, -0.7, -0.7,
    -0.7, -0.2, -0.1, 0.0, 0.1, 0.2, 0.2, 0.1, 0.0, -0.1, -0.2, 0.2, 0.3, 0.4, 0.6, 0.3, 0.4, 0.4,
    0.4, 0.3, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.1, 0.0, 0.0, 0.0, 0.3, 0.4, 0.4,
    0.4, 0.3, 0.0, 0.3, 0.4, 0.4, 0.4, 0.3, 0.1, 0.3, 0.4, 0.3, 0.1, 0.3, 0.4, 0.3,
];

/// Points of the forehead and the hair: right of the middle of the eyes, below it, and before it.
const HEAD: [[f32; 3]; 7] = [
    [-1.0, -0.45, -0.5],
    [-0.7, -0.8, -0.2],
    [-0.35, -1.0, 0.0],
    [0.0, -1.05, 0.05],
    [0.35, -1.0, 0.0],
    [0.7, -0.8, -0.2],
    [1.0, -0.45, -0.5],
];

/// Points around the head, which do not move.
const AROUND: [[f32; 2]; 16] = [
    [-2.0, -1.7],
    [-2.0, 2.9],
    [-1.0, -1.7],
    [-1.0, 2.9],
    [0.0, -1.7],
    [0.0, 2.9],
    [1.0, -1.7],
    [1.0, 2.9],
    [2.0, -1.7],
    [2.0, 2.9],
    [-2.0, -0.5],
    [-2.0, 0.6],
    [-2.0, 1.7],
    [2.0, -0.5],
    [2.0, 0.6],
    [2.0, 1.7],
];

/// How far the axis of the neck lies behind the eyes, and the camera before them.
const AXIS: f32 = 0.9;
const CAMERA: f32 = 8.0;

/// The inner line of the lips.
const LIPS: std::ops::RangeInclusive<usize> = 60..=67;

/// A person in one test picture.
#[derive(Debug)]
pub struct MovingFace {
    picture: RgbImage,
    /// Right of the middle of the eyes, below it, and before it, in distances between the eyes.
    mesh: Vec<[f32; 3]>,
    triangles: Vec<[usize; 3]>,
    eyes: [f32; 2],
    unit: f32,
}

#[derive(Deserialize)]
struct Record {
    points: Vec<[f32; 2]>,
}

impl MovingFace {
    /// The person in this test picture, which shows one.
    ///
    /// # Panics
    ///
    /// If `cargo xtask models` has not been run, or the landmarks of the picture are not known.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let records = include_str!("../../crates/face/tests/face/landmarks.json");
        let mut records: BTreeMap<String, Record> =
            serde_json::from_str(records).expect("the landmarks are JSON");
        let points = records.remove(name).expect("the landmarks of the picture").points;
        let picture = image::open(picture_file(name)).expect("run `cargo xtask models` first");
        let centre = |range: std::ops::Range<usize>| {
            let [x, y] =
                points[range].iter().fold([0.0, 0.0], |[x, y], point| [x + point[0], y + point[1]]);
            [x / 6.0, y / 6.0]
        };
        let (right, left) = (centre(36..42), centre(42..48));
        let eyes = [f32::midpoint(right[0], left[0]), f32::midpoint(right[1], left[1])];
        let unit = (left[0] - right[0]).hypot(left[1] - right[1]);
        let face = points
            .iter()
            .zip(DEPTHS)
            .map(|([x, y], depth)| [(x - eyes[0]) / unit, (y - eyes[1]) / unit, depth]);
        let around = AROUND.into_iter().map(|[x, y]| [x, y, 0.0]);
        let triangles = serde_json::from_str(include_str!("moving_face/triangles.json"));
        Self {
            picture: picture.to_rgb8(),
            mesh: face.chain(HEAD).chain(around).collect(),
            triangles: triangles.expect("the triangles are JSON"),
            eyes,
            unit,
        }
    }

    /// A frame in which the head is turned to the person's left by `degrees`, or to the right if that is
    /// negative, and the mouth is open by `gap` distances between the eyes.
    ///
    /// # Panics
    ///
    /// Never: a JPEG is written to memory.
    #[must_use]
    pub fn frame(&self, degrees: f32, gap: f32) -> Picture {
        let moved = self.moved(degrees, gap);
        let mut frame = self.picture.clone();
        let mut triangles = self.triangles.clone();
        // The nearest are painted last.
        let depth = |corners: &[usize; 3]| corners.iter().map(|&at| moved[at][2]).sum::<f32>();
        triangles.sort_by(|a, b| depth(a).total_cmp(&depth(b)));
        for corners in triangles {
            let from = corners.map(|at| self.place(self.mesh[at]));
            let to = corners.map(|at| self.place(moved[at]));
            self.paint(&mut frame, from, to);
        }
        if gap > 0.0 {
            let lips: Vec<_> = LIPS.map(|at| self.place(moved[at])).collect();
            for corner in 1..lips.len() - 1 {
                darken(&mut frame, [lips[0], lips[corner], lips[corner + 1]]);
            }
        }
        let [left, top] = self.eyes.map(|at| (at - 2.6 * self.unit).max(0.0));
        let (side, height) = (5.2 * self.unit, 5.6 * self.unit);
        let cut =
            image::imageops::crop_imm(&frame, whole(left), whole(top), whole(side), whole(height));
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 92);
        cut.to_image().write_with_encoder(encoder).expect("memory can be written");
        Picture::new(bytes)
    }

    /// Frames of a person that does what the steps ask for: one at rest, and two for each step.
    ///
    /// # Panics
    ///
    /// If a step is of a newer protocol.
    #[must_use]
    pub fn obeying(&self, steps: &[ChallengeStep]) -> Vec<Picture> {
        let mut frames = vec![self.frame(0.0, 0.0)];
        // No two frames of a camera are the same, even if a step comes back.
        let mut more = 0.0;
        for step in steps {
            more += 0.5;
            frames.extend(match step {
                ChallengeStep::Left => [28.0, 32.0].map(|turn| self.frame(turn + more, 0.0)),
                ChallengeStep::Right => [28.0, 32.0].map(|turn| self.frame(-turn - more, 0.0)),
                ChallengeStep::Mouth => [0.38, 0.42].map(|gap| self.frame(more, gap)),
                other => panic!("no frames for {other}"),
            });
        }
        frames
    }

    /// The mesh after the movement. Its last number is the distance towards the camera.
    fn moved(&self, degrees: f32, gap: f32) -> Vec<[f32; 3]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let still = self.mesh.len() - AROUND.len();
        let moved = |(at, &[x, y, z]): (usize, &[f32; 3])| {
            if at >= still {
                return [x, y, -9.0];
            }
            let (y, z) = (y + gap * follows_the_jaw(at), z + AXIS);
            let (x, z) = (x * cos + z * sin, z * cos - x * sin);
            let scale = (CAMERA - AXIS) / (CAMERA - z);
            [x * scale, y * scale, z]
        };
        self.mesh.iter().enumerate().map(moved).collect()
    }

    fn place(&self, [x, y, _]: [f32; 3]) -> [f32; 2] {
        [self.eyes[0] + x * self.unit, self.eyes[1] + y * self.unit]
    }

    /// Paints a triangle with the pixels of another one, unless it is seen from behind.
    fn paint(&self, frame: &mut RgbImage, from: [[f32; 2]; 3], to: [[f32; 2]; 3]) {
        let (width, height) = self.picture.dimensions();
        if turns(from) * turns(to) <= 0.0 {
            return;
        }
        for_each_pixel(frame.dimensions(), to, |x, y, along, across| {
            let at = |axis: usize| {
                from[0][axis]
                    + along * (from[1][axis] - from[0][axis])
                    + across * (from[2][axis] - from[0][axis])
            };
            let (column, row) =
                (whole(at(0) + 0.5).min(width - 1), whole(at(1) + 0.5).min(height - 1));
            frame.put_pixel(x, y, *self.picture.get_pixel(column, row));
        });
    }
}

/// How much of an opening a landmark follows.
const fn follows_the_jaw(landmark: usize) -> f32 {
    match landmark {
        55..=59 | 65..=67 => 1.0,
        6..=10 => 0.9,
        4 | 5 | 11 | 12 => 0.5,
        _ => 0.0,
    }
}

/// The inside of an open mouth.
fn darken(frame: &mut RgbImage, triangle: [[f32; 2]; 3]) {
    for_each_pixel(frame.dimensions(), triangle, |x, y, _, _| {
        frame.put_pixel(x, y, Rgb([40, 20, 20]));
    });
}

/// Twice the area of a triangle, negative if its corners are in the other order.
fn turns([a, b, c]: [[f32; 2]; 3]) -> f32 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Calls `paint` for each pixel of a triangle, with its place between the first corner and the two
/// others.
fn for_each_pixel(
    (width, height): (u32, u32),
    triangle: [[f32; 2]; 3],
    mut paint: impl FnMut(u32, u32, f32, f32),
) {
    const EDGE: f32 = 1e-3;
    let [a, b, c] = triangle;
    let area = turns(triangle);
    if area.abs() < 1e-6 {
        return;
    }
    let bounds = |axis: usize, size: u32| {
        let (low, high) = (a[axis].min(b[axis]).min(c[axis]), a[axis].max(b[axis]).max(c[axis]));
        whole(low)..(whole(high) + 2).min(size)
    };
    for y in bounds(1, height) {
        for x in bounds(0, width) {
            let (dx, dy) = (exact(x) - a[0], exact(y) - a[1]);
            let along = (dx * (c[1] - a[1]) - dy * (c[0] - a[0])) / area;
            let across = ((b[0] - a[0]) * dy - (b[1] - a[1]) * dx) / area;
            if along >= -EDGE && across >= -EDGE && along + across <= 1.0 + EDGE {
                paint(x, y, along, across);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a picture; what lies before it is its first pixel"
)]
fn whole(place: f32) -> u32 {
    place.max(0.0) as u32
}

#[expect(clippy::cast_precision_loss, reason = "a picture has at most 4096 pixels a side")]
fn exact(pixel: u32) -> f32 {
    pixel as f32
}
