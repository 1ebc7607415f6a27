//! Whether a face is seen well enough to be compared, and if not, why.
//!
//! The same bounds hold at enrolment and at login: a poor probe costs a false rejection, a poor template
//! one at every login. Everything but place and size is measured on the aligned chip (150 × 150 in the
//! default pack), so that a bound means the same for every camera.

use crate::{
    detect::Face,
    geometry::Point,
    landmarks::Landmarks,
    picture::{Picture, Planes},
    refusal::Refusal,
};
use std::ops::RangeInclusive;

/// Smallest side of a face's box, in pixels.
pub const MIN_SIDE: f32 = 80.0;

/// How far a face's box may reach beyond the picture, as a fraction of its side: what the detector is
/// exact to.
pub const MAX_OUTSIDE: f32 = 0.02;

/// Least variance of the chip's Laplacian, in squared grey levels.
///
/// Faces in focus have 35 to 1000, the smallest and softest the least; a Gaussian blur whose σ is one
/// hundredth of the face's side leaves 10 to 17.
pub const MIN_SHARPNESS: f32 = 20.0;

/// Furthest the nose may lie beside the middle of the eyes, in distances between the eyes.
pub const MAX_YAW: f32 = 0.35;

/// Where the tip of the nose may lie between eyes (0) and mouth (1).
pub const PITCH: RangeInclusive<f32> = 0.25..=0.90;

/// Furthest the line through the eyes may be tilted, in degrees. Alignment undoes a tilt, but the detector
/// was trained on upright faces.
pub const MAX_ROLL: f32 = 35.0;

/// Mean brightness of the chip, in grey levels. Wide, because skin differs as much as light does.
pub const BRIGHTNESS: RangeInclusive<f32> = 30.0..=235.0;

/// Least standard deviation of the chip's brightness, in grey levels.
pub const MIN_CONTRAST: f32 = 12.0;

/// What was measured on one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Longer side of the face's box, in pixels of the picture.
    pub side: f32,
    /// How far the box reaches beyond the picture, as a fraction of its side; 0 if it is inside.
    pub outside: f32,
    /// Variance of the chip's Laplacian, in squared grey levels.
    pub sharpness: f32,
    /// Nose beside the middle of the eyes, in distances between the eyes; 0 is straight on.
    pub yaw: f32,
    /// Tip of the nose between eyes (0) and mouth (1); about 0.6 is straight on.
    pub pitch: f32,
    /// Tilt of the line through the eyes, in degrees.
    pub roll: f32,
    /// Mean brightness of the chip, 0 to 255.
    pub brightness: f32,
    /// Standard deviation of the chip's brightness.
    pub contrast: f32,
}

impl Quality {
    /// The first reason, if any, not to compare this face.
    ///
    /// # Errors
    ///
    /// [`Refusal::CutOff`], [`Refusal::TooSmall`], [`Refusal::BadLight`], [`Refusal::Turned`] or
    /// [`Refusal::Blurred`], in this order: darkness hides a turned face, and both hide sharpness.
    pub(crate) fn judged(self) -> Result<Quality, Refusal> {
        let turned =
            self.yaw.abs() > MAX_YAW || !PITCH.contains(&self.pitch) || self.roll.abs() > MAX_ROLL;
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
pub(crate) fn measured(
    picture: &Picture,
    face: &Face,
    landmarks: &Landmarks,
    chip: &Planes,
) -> Quality {
    let (yaw, pitch, roll) = pose(landmarks);
    let luma = chip.luma();
    let (brightness, variance) = spread(luma.iter().copied());
    Quality {
        score: face.score,
        side: face.frame.width().max(face.frame.height()),
        outside: outside(picture, face),
        sharpness: spread(laplacian(&luma, chip.side())).1,
        yaw,
        pitch,
        roll,
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

/// Yaw, pitch and roll as proxies: where the nose lies in the frame that eyes and mouth span.
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
    (yaw, pitch, along.y.atan2(along.x).to_degrees())
}

/// Second differences at every inner pixel (the kernel 0 1 0 / 1 −4 1 / 0 1 0).
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
