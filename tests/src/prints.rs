//! Pictures of prints and screens, made of the test pictures.
//!
//! They are flat, as every print is: a sheet on something dark, seen straight or from the side, out of
//! focus, or with the pattern of a screen. They show how a measurement counts and nothing about how
//! many real prints a network sees.

use crate::models;
use fourauth_protocol::picture::Picture;
use image::{
    DynamicImage, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
    imageops::{self, FilterType},
};

/// Sides of the picture on a print, in pixels.
const SIDE: u32 = 640;

/// How a print is shown to the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// Straight before the camera.
    Flat,
    /// From the side: one edge is nearer than the other.
    Warped,
    /// Out of focus.
    Blurred,
    /// On a screen: its grid and that of the camera make a pattern.
    Moire,
}

impl Print {
    /// Every kind.
    pub const ALL: [Print; 4] = [Print::Flat, Print::Warped, Print::Blurred, Print::Moire];

    /// A test picture as such a print, as a JPEG.
    ///
    /// # Panics
    ///
    /// If `cargo xtask models` has not been run.
    #[must_use]
    pub fn of(self, name: &str) -> Picture {
        let small = models::decoded(name).resize(SIDE, SIDE, FilterType::Triangle);
        let sheet = models::sheet(&small);
        let shown = match self {
            Print::Flat => sheet,
            Print::Warped => warped(&sheet),
            Print::Blurred => DynamicImage::ImageRgb8(sheet).blur(1.0).into_rgb8(),
            Print::Moire => striped(sheet),
        };
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
        shown.write_with_encoder(encoder).expect("memory takes it");
        Picture::new(bytes)
    }
}

/// The sheet under a homography: the left edge is nearer to the camera.
fn warped(sheet: &RgbImage) -> RgbImage {
    let (width, height) = sheet.dimensions();
    let sides = [width, height].map(real);
    RgbImage::from_fn(width, height, |x, y| {
        let [across, down] = [real(x) / sides[0] - 0.5, real(y) / sides[1] - 0.5];
        let nearness = 1.0 - 0.5 * across;
        let [from_x, from_y] =
            [(across / nearness + 0.5) * sides[0], (down / nearness + 0.5) * sides[1]];
        imageops::interpolate_bilinear(sheet, from_x, from_y).unwrap_or(Rgb([40; 3]))
    })
}

/// The sheet with stripes of two directions, other ones in each colour.
fn striped(mut sheet: RgbImage) -> RgbImage {
    for (x, y, Rgb(colours)) in sheet.enumerate_pixels_mut() {
        let mut phase = 0.0;
        for colour in colours {
            let wave = (0.9 * real(x) + 0.2 * real(y) + phase).sin()
                + (0.7 * real(y) - 0.1 * real(x) + phase).sin();
            *colour = shade(f32::from(*colour) * (1.0 + 0.12 * wave));
            phase += 2.0;
        }
    }
    sheet
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are below 2^24")]
fn real(pixels: u32) -> f32 {
    pixels as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float saturates at the ends of a byte"
)]
fn shade(value: f32) -> u8 {
    value as u8
}
