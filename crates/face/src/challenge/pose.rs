//! Measures of a face's pose on its 68 landmarks, and the shapes that no face has.

use crate::{
    geometry::Point,
    landmarks::{NOSE, Points},
    upright::Upright,
};
use std::ops::RangeInclusive;

/// How a face holds itself. Lengths are in distances between the eyes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// The tip of the nose beside the middle of the eyes, after the tilt is removed. 0.25 is about 23°.
    /// Positive if the head is turned to the person's left, which is the right of the picture.
    pub yaw: f32,
    /// How far the mouth is open: the height between the inner lips, divided by their width.
    pub mouth: f32,
}

/// Corners of eyes and mouth. They lie nearly in one plane, which the tip of the nose does not.
const CORNERS: [usize; 6] = [36, 39, 42, 45, 48, 54];

/// The chin.
const CHIN: usize = 8;

/// The upper ends of the jaw, on the person's right and left.
const JAW: [usize; 2] = [0, 16];

/// Lower bound of the distance between the eyes, in pixels. A face of 80 pixels has about 30.
const MIN_EYES: f32 = 15.0;

/// Accepted places below the eyes of the tip of the nose, the corners of the mouth and the chin, and
/// the accepted width of the jaw.
///
/// Faces of 560 pictures of Labeled Faces in the Wild, up to a yaw of 0.5, have 0.25 to 1.17, 0.81 to
/// 1.6, 1.55 to 2.6 and 2.1 to 3.1. The bounds leave room for a head that is turned by 45°, which makes
/// all of them larger, and for a mouth that is wide open.
const NOSE_BELOW: RangeInclusive<f32> = 0.15..=1.4;
const MOUTH_BELOW: RangeInclusive<f32> = 0.6..=2.0;
const CHIN_BELOW: RangeInclusive<f32> = 1.2..=3.6;
const JAW_WIDTH: RangeInclusive<f32> = 1.5..=4.2;

/// Upper bound of the yaw in either direction, about 45°. Beyond it the landmark network guesses.
const MAX_YAW: f32 = 0.8;

/// Upper bound of the distance of any landmark from the middle of the eyes.
const MAX_REACH: f32 = 4.5;

impl Pose {
    pub(crate) fn of(landmarks: &Points) -> Pose {
        let point = |index| landmarks.point(index);
        Pose {
            yaw: upright(landmarks).place(landmarks.nose_tip()).x,
            mouth: point(62).distance(point(66)) / point(60).distance(point(64)),
        }
    }
}

fn upright(landmarks: &Points) -> Upright {
    Upright::of(landmarks.right_eye(), landmarks.left_eye())
}

/// How far the tip of the nose of `turned` is from where a flat sheet would have it, in distances
/// between the eyes.
///
/// The affine map that fits the corners of eyes and mouth of `neutral` best to those of `turned` is
/// applied to the tip of the nose. Zero, which shows no depth, if the corners lie on one line.
#[must_use]
pub(crate) fn parallax(neutral: &Points, turned: &Points) -> f32 {
    let corners = |landmarks: &Points| CORNERS.map(|index| landmarks.point(index));
    let expected = flat(&corners(neutral), &corners(turned), neutral.point(NOSE));
    let eyes = turned.right_eye().distance(turned.left_eye());
    let parallax = expected.distance(turned.point(NOSE)) / eyes;
    if parallax.is_finite() { parallax } else { 0.0 }
}

/// How much taller a face is than `neutral`, in distances between the eyes.
///
/// A turn brings the eyes nearer to each other: by 1.22 at 35°. A sheet has to be turned much further
/// before the landmark network sees a turned face in it.
#[must_use]
pub(crate) fn stretch(neutral: &Points, turned: &Points) -> f32 {
    let height =
        |landmarks: &Points| upright(landmarks).place(Point::mean(&landmarks.mouth_corners())).y;
    height(turned) / height(neutral)
}

/// Where the affine map from `from` to `to` with the least squared error has `point`.
fn flat(from: &[Point; 6], to: &[Point; 6], point: Point) -> Point {
    let (origin, target) = (Point::mean(from), Point::mean(to));
    // Second moments of `from`, and its moments with each coordinate of `to`.
    let (mut xx, mut xy, mut yy) = (0.0_f32, 0.0_f32, 0.0_f32);
    let (mut to_x, mut to_y) = ((0.0_f32, 0.0_f32), (0.0_f32, 0.0_f32));
    for (from, to) in from.iter().zip(to) {
        let (x, y) = (from.x - origin.x, from.y - origin.y);
        let (u, v) = (to.x - target.x, to.y - target.y);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        to_x = (to_x.0 + x * u, to_x.1 + y * u);
        to_y = (to_y.0 + x * v, to_y.1 + y * v);
    }
    let determinant = xx * yy - xy * xy;
    let (x, y) = (point.x - origin.x, point.y - origin.y);
    let mapped = |(with_x, with_y): (f32, f32)| {
        let along_x = (with_x * yy - with_y * xy) / determinant;
        let along_y = (with_y * xx - with_x * xy) / determinant;
        along_x * x + along_y * y
    };
    Point { x: target.x + mapped(to_x), y: target.y + mapped(to_y) }
}

/// False for landmarks that no upright face has, turned by up to 45°. The landmark network returns 68
/// points for whatever it is shown.
pub(crate) fn is_plausible(landmarks: &Points) -> bool {
    let upright = upright(landmarks);
    let place = |index| upright.place(landmarks.point(index));
    let [right, left] = landmarks.mouth_corners().map(|corner| upright.place(corner));
    let (nose, mouth, chin) = (place(NOSE), f32::midpoint(right.y, left.y), place(CHIN));
    let jaw = place(JAW[1]).x - place(JAW[0]).x;
    let reach = (0..68).map(place).fold(0.0, |reach: f32, place| {
        // A NaN is no maximum for `f32::max`, so it is made one.
        let length = place.x.hypot(place.y);
        if length.is_finite() { reach.max(length) } else { f32::INFINITY }
    });
    upright.between() >= MIN_EYES
        && reach <= MAX_REACH
        && nose.x.abs() <= MAX_YAW
        && NOSE_BELOW.contains(&nose.y)
        && MOUTH_BELOW.contains(&mouth)
        && CHIN_BELOW.contains(&chin.y)
        && JAW_WIDTH.contains(&jaw)
        && nose.y < mouth
        && mouth < chin.y
        && right.x < left.x
}
