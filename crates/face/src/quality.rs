//! The quality gate: whether a face is good enough for comparison, and the reason if not.
//!
//! The same bounds apply at enrolment and at login: a poor probe causes a false rejection, a poor
//! template causes one at every login. Everything except position and size is measured on the
//! aligned chip, so that a bound means the same for every camera.

use crate::{
    detect::Face,
    geometry::{Point, length},
    landmarks::Landmarks,
    locate::Located,
    picture::{Picture, Planes},
    refusal::Refusal,
    upright::Upright,
};
use serde::{Deserialize, Serialize};

/// The quality that a face must have.
///
/// A pack may set each bound. The default bounds are for the landmarks of face-api and a chip of
/// 150 × 150 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Lower bound of the longer side of a face's box, in pixels.
    pub min_side: f32,
    /// How far a face's box may extend beyond the picture, as a fraction of its side: the accuracy
    /// of the detector.
    pub max_outside: f32,
    /// Lower bound of the variance of the chip's Laplacian, in squared grey levels.
    ///
    /// Faces in focus have 35 to 1000; the smallest and softest have the least. A Gaussian blur with
    /// a σ of one hundredth of the face's side leaves 10 to 17.
    pub min_sharpness: f32,
    /// Upper bound of the sideways offset of the nose from the middle of the eyes, in distances
    /// between the eyes.
    pub max_yaw: f32,
    /// Lower bound of the position of the tip of the nose between eyes (0) and mouth (1).
    pub min_pitch: f32,
    /// Upper bound of the position of the tip of the nose between eyes (0) and mouth (1).
    pub max_pitch: f32,
    /// Upper bound of the tilt of the line through the eyes, in degrees. Alignment corrects a tilt,
    /// but the detector was trained on upright faces.
    pub max_roll: f32,
    /// Upper bound of the distance between the same point of the detector and of the landmark
    /// network, in distances between the eyes. Nearly all upright faces have less than 0.3, those on
    /// their side 0.53 or more.
    pub max_disagreement: f32,
    /// Lower bound of the mean brightness of the chip, in grey levels. The range is wide, because
    /// skin varies as much as light.
    pub min_brightness: f32,
    /// Upper bound of the mean brightness of the chip, in grey levels.
    pub max_brightness: f32,
    /// Lower bound of the standard deviation of the chip's brightness, in grey levels.
    pub min_contrast: f32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            min_side: 80.0,
            max_outside: 0.02,
            min_sharpness: 20.0,
            max_yaw: 0.35,
            min_pitch: 0.25,
            max_pitch: 0.90,
            max_roll: 35.0,
            max_disagreement: 0.50,
            min_brightness: 30.0,
            max_brightness: 235.0,
            min_contrast: 12.0,
        }
    }
}

impl Bounds {
    /// The first flaw of bounds from a file.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        let all = [
            self.min_side,
            self.max_outside,
            self.min_sharpness,
            self.max_yaw,
            self.min_pitch,
            self.max_pitch,
            self.max_roll,
            self.max_disagreement,
            self.min_brightness,
            self.max_brightness,
            self.min_contrast,
        ];
        let usable = all.into_iter().all(|bound| bound.is_finite() && bound >= 0.0)
            && self.min_pitch < self.max_pitch
            && self.min_brightness < self.max_brightness;
        (!usable).then_some("the bounds of quality must be finite, not negative, and not crossed")
    }

    /// The same bounds for a face that turns or opens its mouth. Its landmarks are judged elsewhere. It
    /// may reach a little beyond the picture, be narrower than one at rest, and be blurred by motion.
    pub(crate) fn in_motion(&self) -> Bounds {
        Bounds {
            min_side: self.min_side * 0.8,
            max_outside: self.max_outside + 0.08,
            min_sharpness: self.min_sharpness * 0.5,
            max_yaw: f32::INFINITY,
            min_pitch: f32::NEG_INFINITY,
            max_pitch: f32::INFINITY,
            max_disagreement: f32::INFINITY,
            ..*self
        }
    }

    /// Returns the quality itself if the face may be compared.
    ///
    /// # Errors
    ///
    /// The first fault: [`Refusal::CutOff`], [`Refusal::TooSmall`], [`Refusal::BadLight`],
    /// [`Refusal::Turned`] or [`Refusal::Blurred`], in this order. Darkness hides a turned face,
    /// and both hide sharpness.
    pub(crate) fn judge(&self, quality: Quality) -> Result<Quality, Refusal> {
        let turned = quality.yaw.abs() > self.max_yaw
            || !(self.min_pitch..=self.max_pitch).contains(&quality.pitch)
            || quality.roll.abs() > self.max_roll
            || quality.disagreement > self.max_disagreement;
        let bad_light = !(self.min_brightness..=self.max_brightness).contains(&quality.brightness)
            || quality.contrast < self.min_contrast;
        if quality.outside > self.max_outside {
            Err(Refusal::CutOff)
        } else if quality.side < self.min_side {
            Err(Refusal::TooSmall)
        } else if bad_light {
            Err(Refusal::BadLight)
        } else if turned {
            Err(Refusal::Turned)
        } else if quality.sharpness < self.min_sharpness {
            Err(Refusal::Blurred)
        } else {
            Ok(quality)
        }
    }
}

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
    let upright = Upright::of(right, left);
    let nose = upright.place(landmarks.nose_tip());
    let mouth = upright.place(Point::mean(&landmarks.mouth_corners())).y;
    // A mouth less than a pixel below the eyes has no pitch.
    let pitch = if mouth * upright.between() > 1.0 { nose.y / mouth } else { f32::INFINITY };
    (nose.x, pitch, right.slope_to(left))
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
