//! QR codes as PNG.

use data_encoding::BASE64;
use fourauth_protocol::secret::Secret;
use qrcode::{Color, EcLevel, QrCode, bits::encode_auto};

/// Width of one module in pixels. Six are readable by any telephone from a screen.
const MODULE_PIXELS: usize = 6;

/// White modules around the code (ISO/IEC 18004 §9.1 asks for four).
const QUIET_ZONE: usize = 4;

/// Draws `text` as a black and white PNG, in base64. `None` if the text does not fit a QR code.
#[must_use]
pub(crate) fn png_base64(text: &Secret<String>) -> Option<Secret<String>> {
    let code = QrCode::with_error_correction_level(text.expose(), EcLevel::M).ok()?;
    let side = (code.width() + 2 * QUIET_ZONE) * MODULE_PIXELS;
    let pixels = Secret::new(draw(&code, side));
    encode(pixels.expose(), u32::try_from(side).ok()?)
        .map(|png| Secret::new(BASE64.encode(png.expose())))
}

/// True if `text` fits the largest QR code.
pub(crate) fn fits(text: &Secret<String>) -> bool {
    encode_auto(text.expose().as_bytes(), EcLevel::M).is_ok()
}

/// One byte per pixel, white unless it lies in a dark module.
fn draw(code: &QrCode, side: usize) -> Vec<u8> {
    let module = |pixel: usize| (pixel / MODULE_PIXELS).checked_sub(QUIET_ZONE);
    let is_dark = |x: usize, y: usize| match (module(x), module(y)) {
        (Some(x), Some(y)) if x < code.width() && y < code.width() => code[(x, y)] == Color::Dark,
        _ => false,
    };
    (0..side * side)
        .map(|index| if is_dark(index % side, index / side) { 0 } else { 255 })
        .collect()
}

fn encode(pixels: &[u8], side: u32) -> Option<Secret<Vec<u8>>> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(Secret::new(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provisioning_uri_fits_and_is_a_png() {
        let uri = Secret::new(format!(
            "otpauth://totp/4Auth:{}?secret={}",
            "x".repeat(128),
            "A".repeat(32)
        ));
        let png = BASE64.decode(png_base64(&uri).unwrap().expose().as_bytes()).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        assert!(reader.info().width >= 200);
    }

    #[test]
    fn a_text_too_long_for_a_qr_code_is_not_drawn() {
        for length in [100, 2331, 2332, 5000] {
            let text = Secret::new("x".repeat(length));
            assert_eq!(png_base64(&text).is_some(), length < 2332, "{length}");
            assert_eq!(fits(&text), length < 2332, "{length}");
        }
    }
}
