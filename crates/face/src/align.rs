//! Aligns a face with the template of the embedder by rotating, scaling and shifting.
//!
//! An axis-aligned box is not used: at a false match rate of 1e-4 it accepts half as many genuine
//! faces.

use crate::{
    geometry::{Point, Similarity},
    landmarks::{Landmarks, Points},
    picture::{Picture, Planes},
};
use serde::{Deserialize, Serialize};

/// The template that an embedder was trained on, with its geometry in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Alignment {
    /// dlib's face chip: the inner landmarks on the mean face.
    DlibChip {
        /// Side of the chip.
        side: u16,
        /// Margin around the mean face, as a fraction of its size.
        padding: f32,
    },
    /// Five points (eyes, nose, corners of the mouth), as for `ArcFace`; the usual side is 112.
    FivePoints {
        /// Side of the chip.
        side: u16,
    },
}

impl Alignment {
    /// Side of the aligned picture, in pixels.
    pub(crate) fn side(self) -> u16 {
        match self {
            Alignment::DlibChip { side, .. } | Alignment::FivePoints { side } => side,
        }
    }

    /// True if it needs all 68 landmarks.
    pub(crate) fn needs_all_landmarks(self) -> bool {
        matches!(self, Alignment::DlibChip { .. })
    }

    /// The aligned face, black outside the picture. `None` if the points do not determine a
    /// transform, or are too few.
    pub(crate) fn aligned(self, picture: &Picture, landmarks: &Landmarks) -> Option<Planes> {
        let (from, to) = match self {
            Alignment::DlibChip { side, padding } => {
                dlib_points(landmarks.all()?, f32::from(side), padding)
            }
            Alignment::FivePoints { side } => five_points(landmarks, f32::from(side)),
        };
        Some(warped(picture, Similarity::fit(&from, &to)?, self.side()))
    }
}

/// Pairs of points for dlib's chip (`get_face_chip_details` in
/// `dlib/image_transforms/interpolation.h`): eyes, nose and upper lip. Jaw, brows and lower lip
/// move too much.
fn dlib_points(landmarks: &Points, side: f32, padding: f32) -> (Vec<Point>, Vec<Point>) {
    let place = |mean: f32| (padding + mean) / (2.0 * padding + 1.0) * side;
    let pairs = (27..).zip(MEAN_FACE).filter(|(index, _)| !(55..60).contains(index));
    pairs
        .map(|(index, (x, y))| (landmarks.point(index), Point { x: place(x), y: place(y) }))
        .unzip()
}

/// Pairs of points for insightface's template (`arcface_dst` in `face_align.py`).
fn five_points(landmarks: &Landmarks, side: f32) -> (Vec<Point>, Vec<Point>) {
    let scale = side / 112.0;
    let to = FIVE_POINTS.map(|(x, y)| Point { x: x * scale, y: y * scale });
    (landmarks.five().to_vec(), to.to_vec())
}

/// Bilinear without prior smoothing, as in the measurement of the default thresholds.
fn warped(picture: &Picture, transform: Similarity, side: u16) -> Planes {
    let back = transform.inverse();
    let mut planes = Planes::black(usize::from(side));
    for y in 0..side {
        for x in 0..side {
            let from = back.apply(Point { x: f32::from(x), y: f32::from(y) });
            planes.put(usize::from(x), usize::from(y), bilinear(picture, from));
        }
    }
    planes
}

fn bilinear(picture: &Picture, at: Point) -> [f32; 3] {
    let (left, top) = (at.x.floor(), at.y.floor());
    let (right_share, bottom_share) = (at.x - left, at.y - top);
    let (x, y) = (whole(left), whole(top));
    let row = |y: isize| {
        mixed(
            picture.pixel_or_black(x, y),
            picture.pixel_or_black(x.saturating_add(1), y),
            right_share,
        )
    };
    mixed(row(y), row(y.saturating_add(1)), bottom_share)
}

fn mixed(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

#[expect(clippy::cast_possible_truncation, reason = "saturates; pixels that far outside are black")]
fn whole(value: f32) -> isize {
    value as isize
}

/// dlib's mean face: points 27 to 67, as fractions of its box.
#[rustfmt::skip]
#[expect(clippy::unreadable_literal, reason = "digits as dlib has them")]
const MEAN_FACE: [(f32, f32); 41] = [
    (0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625),
    (0.36688, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345),
    (0.613373, 0.587326), (0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852),
    (0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077), (0.645647, 0.231733),
    (0.714428, 0.179852), (0.793132, 0.178758), (0.858516, 0.216423), (0.79751, 0.244077),
    (0.719335, 0.245099), (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388),
    (0.490127, 0.742578), (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233),
    (0.642159, 0.864805), (0.556721, 0.902192), (0.490127, 0.909281), (0.423532, 0.902192),
    (0.338094, 0.864805), (0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343),
    (0.552157, 0.778746), (0.689874, 0.784792), (0.553364, 0.824182), (0.490127, 0.831803),
    (0.42689, 0.824182),
];

/// Eyes, nose and corners of the mouth in a chip of 112 × 112.
const FIVE_POINTS: [(f32, f32); 5] = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
];
