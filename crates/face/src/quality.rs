//! The quality gate: whether a face is good enough for comparison, and the reason if not.
//!
//! The same bounds apply at enrolment and at login: a poor probe causes a false rejection, a poor
//! template causes one at every login. Everything except position and size is measured on the
//! aligned chip (150 × 150 in the default pack), so that a bound means the same for every camera.

use crate::{
    detect::Face,
    geometry::Point,
    landmarks::Landmarks,
    locate::Located,
    picture::{Picture, Planes},
    refusal::Refusal,
};
use std::ops::RangeInclusive;

/// Lower bound of the longer side of a face's box, in pixels.
pub const MIN_SIDE: f32 = 80.0;

/// How far a face's box may extend beyond the picture, as a fraction of its side: the accuracy of
/// the detector.
pub(crate) const MAX_OUTSIDE: f32 = 0.02;

/// Lower bound of the variance of the chip's Laplacian, in squared grey levels.
///
/// Faces in focus have 35 to 1000; the smallest and softest have the least. A Gaussian blur with a
/// σ of one hundredth of the face's side leaves 10 to 17.
pub const MIN_SHARPNESS: f32 = 20.0;

/// Upper bound of the sideways offset of the nose from the middle of the eyes, in distances between
/// the eyes.
pub(crate) const MAX_YAW: f32 = 0.35;

/// Accepted positions of the tip of the nose between eyes (0) and mouth (1).
pub(crate) const PITCH: RangeInclusive<f32> = 0.25..=0.90;

/// Upper bound of the tilt of the line through the eyes, in degrees. Alignment corrects a tilt, but
/// the detector was trained on upright faces.
pub(crate) const MAX_ROLL: f32 = 35.0;

/// Upper bound of the distance between the same point of the detector and of the landmark network,
/// in distances between the eyes. Nearly all upright faces have less than 0.3, those on their side
/// 0.53 or more.
pub(crate) const MAX_DISAGREEMENT: f32 = 0.50;

/// Upper bound of the tilt by the detector's points, in degrees: beyond it the face lies on its
/// side.
pub(crate) const MAX_LYING: f32 = 45.0;

/// Accepted mean brightness of the chip, in grey levels. The range is wide, because skin varies as
/// much as light.
pub(crate) const BRIGHTNESS: RangeInclusive<f32> = 30.0..=235.0;

/// Lower bound of the standard deviation of the chip's brightness, in grey levels.
pub(crate) const MIN_CONTRAST: f32 = 12.0;

/// Measurements of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Score of the detector, 0 to 1.
    pub score: f32,
    /// Longer side of the face's box, in pixels of the picture.
    pub side: f32,
    /// How far the box extends beyond the picture, as a fraction of its side; 0 if it is inside.
    pub outside: f32,
    /// Variance of the chip's Laplacian, in squared grey levels.
    pub sharpness: f32,
    /// Sideways offset of the nose from the middle of the eyes, in distances between the eyes; 0 is
    /// straight on.
    pub yaw: f32,
    /// Position of the tip of the nose between eyes (0) and mouth (1); about 0.6 is straight on.
    pub pitch: f32,
    /// Tilt of the line through the eyes, in degrees; 0 is upright, also if the picture lies on its
    /// side.
    pub roll: f32,
    /// Largest distance between the same point of the detector and of the landmark network, in
    /// distances between the eyes.
    pub disagreement: f32,
    /// Mean brightness of the chip, 0 to 255.
    pub brightness: f32,
    /// Standard deviation of the chip's brightness.
    pub contrast: f32,
}

impl Quality {
    /// Returns the quality itself if the face may be compared.
    ///
    /// # Errors
    ///
    /// The first fault: [`Refusal::CutOff`], [`Refusal::TooSmall`], [`Refusal::BadLight`],
    /// [`Refusal::Turned`] or [`Refusal::Blurred`], in this order. Darkness hides a turned face,
    /// and both hide sharpness.
    pub(crate) fn judged(self) -> Result<Quality, Refusal> {
        let turned = self.yaw.abs() > MAX_YAW
            || !PITCH.contains(&self.pitch)
            || self.roll.abs() > MAX_ROLL
            || self.disagreement > MAX_DISAGREEMENT;
        let bad_light = !BRIGHTNESS.contains(&self.brightness) || self.contrast < MIN_CONTRAST;
        if self.outside > MAX_OUTSIDE {
            Err(Refusal::CutOff)
        } else if self.side < MIN_SIDE {
            Err(Refusal::TooSmall)
        } else if bad_light {
            Err(Refusal::BadLight)
        } else if turned {
            Err(Refusal::Turned)
        } else if self.sharpness < MIN_SHARPNESS {
            Err(Refusal::Blurred)
        } else {
            Ok(self)
        }
    }
}

/// Measures one face.
pub(crate) fn measured(picture: &Picture, located: &Located, chip: &Planes) -> Quality {
    let face = &located.face;
    let (yaw, pitch, roll) = pose(&located.landmarks);
    let luma = chip.luma();
    let (brightness, variance) = spread(luma.iter().copied());
    Quality {
        score: face.score,
        side: face.frame.width().max(face.frame.height()),
        outside: outside(picture, face),
        sharpness: spread(laplacian(&luma, chip.side())).1,
        yaw,
        pitch,
        roll: face.turn.tilt(roll),
        disagreement: located.disagreement(),
        brightness,
        contrast: variance.sqrt(),
    }
}

fn outside(picture: &Picture, face: &Face) -> f32 {
    let frame = face.frame;
    let beyond_right = frame.right - length(picture.width());
    let beyond_bottom = frame.bottom - length(picture.height());
    let beyond =
        [-frame.left, -frame.top, beyond_right, beyond_bottom, 0.0].into_iter().fold(0.0, f32::max);
    beyond / frame.width().max(frame.height()).max(1.0)
}

/// Approximates yaw, pitch and roll by the position of the nose relative to eyes and mouth.
fn pose(landmarks: &Landmarks) -> (f32, f32, f32) {
    let (right, left) = (landmarks.right_eye(), landmarks.left_eye());
    let eyes = Point::mean(&[right, left]);
    let between = right.distance(left).max(1.0);
    let along = Point { x: (left.x - right.x) / between, y: (left.y - right.y) / between };
    let beside = |point: Point| (point.x - eyes.x) * along.x + (point.y - eyes.y) * along.y;
    let below = |point: Point| (point.y - eyes.y) * along.x - (point.x - eyes.x) * along.y;

    let mouth = below(Point::mean(&landmarks.mouth_corners()));
    let nose = landmarks.nose_tip();
    let yaw = beside(nose) / between;
    let pitch = if mouth > 1.0 { below(nose) / mouth } else { f32::INFINITY };
    (yaw, pitch, right.slope_to(left))
}

/// The Laplacian at every inner pixel (the kernel 0 1 0 / 1 −4 1 / 0 1 0).
fn laplacian(luma: &[f32], side: usize) -> impl Iterator<Item = f32> + Clone {
    let inner = 1..side.saturating_sub(1);
    inner.clone().flat_map(move |y| inner.clone().map(move |x| y * side + x)).map(move |at| {
        luma[at - side] + luma[at - 1] + luma[at + 1] + luma[at + side] - 4.0 * luma[at]
    })
}

/// Mean and variance.
fn spread(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = values.clone().fold(0.0_f32, |count, _| count + 1.0).max(1.0);
    let mean = values.clone().sum::<f32>() / count;
    let variance = values.map(|value| (value - mean) * (value - mean)).sum::<f32>() / count;
    (mean, variance)
}

/// A side of a picture, at most 4096 pixels.
fn length(side: usize) -> f32 {
    u16::try_from(side).map_or(f32::from(u16::MAX), f32::from)
}
