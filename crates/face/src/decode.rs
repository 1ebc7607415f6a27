//! Decodes untrusted bytes to an upright picture. Size limits are checked before the first pixel is
//! decoded.
//!
//! Only JPEG and PNG are supported. Grey, palette, alpha, 16-bit and CMYK pictures become RGB with
//! eight bits; alpha is dropped, not blended. EXIF orientation is applied, all other metadata is
//! ignored.

use crate::{jpeg, orient, picture::Picture, png, refusal::Refusal};
use image::{
    DynamicImage, ImageDecoder, Limits,
    codecs::{jpeg::JpegDecoder, png::PngDecoder},
    metadata::Orientation,
};
use std::io::Cursor;

/// Upper bound of an encoded picture, in bytes: a photograph of 12 megapixels has 2 to 5 MB.
pub const MAX_BYTES: usize = 6_000_000;

/// Upper bound of each side, in pixels.
pub(crate) const MAX_SIDE: u32 = 4096;

/// Upper bound of pixels: a 12-megapixel photograph (4032 × 3024) is accepted and takes about 80 ms
/// to decode.
pub(crate) const MAX_PIXELS: u64 = 12_500_000;

/// Pixels that are allowed regardless of the number of bytes: decoding them takes under 10 ms.
pub(crate) const PIXELS_OF_ANY: u64 = 1_000_000;

/// Upper bound of further pixels per byte of a PNG: photographs enlarged to 12 megapixels have up
/// to 6, a face before a wall of exactly one colour has up to 29, a picture of one colour has 286
/// or more.
pub(crate) const PNG_PIXELS_A_BYTE: u64 = 64;

/// Upper bound of further pixels per byte of a JPEG: photographs enlarged to 12 megapixels have up
/// to 152 at quality 10, a face before a wall of exactly one colour has up to 161. Each block of 8
/// × 8 pixels takes at least a few bits, so a usual JPEG of one colour has 170 and is not refused.
pub(crate) const JPEG_PIXELS_A_BYTE: u64 = 200;

/// Upper bound of the memory of a decoder, in bytes.
const MAX_ALLOC: u64 = 64 << 20;

/// Decodes an encoded picture and turns it upright.
///
/// # Errors
///
/// [`Refusal::TooLarge`] beyond the bounds above, [`Refusal::NotAnImage`] if the bytes do not begin
/// with a complete JPEG or PNG. What follows the end of the picture is ignored.
pub(crate) fn decode(encoded: &[u8]) -> Result<Picture, Refusal> {
    if encoded.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    if encoded.starts_with(jpeg::START) {
        let encoded = jpeg::whole(encoded)?;
        let decoder = JpegDecoder::new(Cursor::new(encoded)).map_err(refusal)?;
        upright(decoder, most_pixels(encoded, JPEG_PIXELS_A_BYTE))
    } else if encoded.starts_with(png::START) {
        png_header(encoded, most_pixels(encoded, PNG_PIXELS_A_BYTE))?;
        // Bytes that are not the picture's do not allow it more pixels.
        let encoded = png::picture(encoded)?;
        let most = most_pixels(&encoded, PNG_PIXELS_A_BYTE);
        let decoder = PngDecoder::with_limits(Cursor::new(encoded), limits()).map_err(refusal)?;
        upright(decoder, most)
    } else {
        Err(Refusal::NotAnImage)
    }
}

fn upright(mut decoder: impl ImageDecoder, most_pixels: u64) -> Result<Picture, Refusal> {
    let (width, height) = decoder.dimensions();
    bounded(width, height, most_pixels)?;
    if decoder.total_bytes() > MAX_ALLOC {
        return Err(Refusal::TooLarge);
    }
    decoder.set_limits(limits()).map_err(refusal)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?.into_rgb8();
    orient::upright(image, orientation).ok_or(Refusal::NotAnImage)
}

/// Upper bound of pixels for a picture of these bytes.
///
/// The cost of decoding grows with pixels, the cost of sending with bytes. Pictures with far more
/// pixels than bytes are refused.
fn most_pixels(encoded: &[u8], pixels_a_byte: u64) -> u64 {
    let bytes = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
    bytes.saturating_mul(pixels_a_byte).saturating_add(PIXELS_OF_ANY).min(MAX_PIXELS)
}

fn bounded(width: u32, height: u32, most_pixels: u64) -> Result<(), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > most_pixels {
        return Err(Refusal::TooLarge);
    }
    Ok(())
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    limits
}

/// Checks the size in IHDR, which is the first chunk (PNG specification §5.6), before the decoder
/// runs.
fn png_header(encoded: &[u8], most_pixels: u64) -> Result<(), Refusal> {
    let size = encoded.get(16..24).ok_or(Refusal::NotAnImage)?;
    let (sides, _) = size.as_chunks::<4>();
    bounded(u32::from_be_bytes(sides[0]), u32::from_be_bytes(sides[1]), most_pixels)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err needs")]
fn refusal(error: image::ImageError) -> Refusal {
    match error {
        image::ImageError::Limits(_) => Refusal::TooLarge,
        _ => Refusal::NotAnImage,
    }
}
