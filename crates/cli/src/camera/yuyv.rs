//! Converts YUYV to RGB. YUYV has brightness for each pixel and colour for each pair of pixels
//! (ITU-R BT.601, studio range).

use image::RgbImage;

/// Longest side accepted, in pixels. No camera has more.
const LONGEST_SIDE: u32 = 8192;

/// Converts rows of `stride` bytes. Returns `None` if the size is invalid or bytes are missing.
pub(super) fn to_rgb(width: u32, height: u32, stride: u32, bytes: &[u8]) -> Option<RgbImage> {
    if width > LONGEST_SIDE || height > LONGEST_SIDE || !width.is_multiple_of(2) {
        return None;
    }
    let row_length = usize::try_from(width.checked_mul(2)?).ok()?;
    let stride = usize::try_from(stride).ok()?.max(row_length);
    let rows = usize::try_from(height).ok()?;
    if width == 0 || bytes.len() < (rows.checked_sub(1)?) * stride + row_length {
        return None;
    }
    let pairs = bytes.chunks(stride).take(rows).flat_map(|row| row[..row_length].chunks_exact(4));
    let rgb = pairs.flat_map(|pair| match *pair {
        [left, u, right, v] => [pixel(left, u, v), pixel(right, u, v)],
        _ => [[0; 3]; 2], // `chunks_exact(4)` yields 4 bytes.
    });
    RgbImage::from_raw(width, height, rgb.flatten().collect())
}

/// One pixel, in the usual fixed-point form of BT.601 with 8 fractional bits.
fn pixel(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (i32::from(y) - 16, i32::from(u) - 128, i32::from(v) - 128);
    let scaled = 298 * y + 128;
    let byte = |value: i32| u8::try_from((value >> 8).clamp(0, 255)).unwrap_or(0);
    [byte(scaled + 409 * v), byte(scaled - 100 * u - 208 * v), byte(scaled + 516 * u)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colour_bars_convert_to_their_rgb_values() {
        // 100 % bars: (Y, Cb, Cr) of ITU-R BT.801 and their RGB values.
        for ((y, u, v), expected) in [
            ((235, 128, 128), [255, 255, 255]),
            ((210, 16, 146), [255, 255, 0]),
            ((170, 166, 16), [0, 255, 255]),
            ((145, 54, 34), [0, 255, 0]),
            ((106, 202, 222), [255, 0, 255]),
            ((81, 90, 240), [255, 0, 0]),
            ((41, 240, 110), [0, 0, 255]),
            ((16, 128, 128), [0, 0, 0]),
        ] {
            let found = pixel(y, u, v);
            let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
            assert!(near, "{y} {u} {v}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn pixel_pairs_share_colour_and_padding_is_skipped() {
        let rows = [81, 90, 16, 240, 0xee, 0xee, 235, 128, 16, 128];
        let image = to_rgb(2, 2, 6, &rows).unwrap();
        let red: Vec<bool> = image.pixels().map(|p| p[0] > 150 && p[2] < 60).collect();
        assert_eq!(red, [true, true, false, false]);
        assert_eq!(image.get_pixel(0, 1).0, [255, 255, 255]);
        assert_eq!(image.get_pixel(1, 1).0, [0, 0, 0]);
    }

    #[test]
    fn frames_of_invalid_size_are_refused() {
        assert!(to_rgb(2, 2, 4, &[16; 7]).is_none());
        assert!(to_rgb(0, 0, 0, &[]).is_none() && to_rgb(3, 1, 6, &[16; 6]).is_none());
        assert!(to_rgb(u32::MAX - 1, u32::MAX, u32::MAX, &[]).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_frames_do_not_panic(
            width in 0_u32..20, height in 0_u32..20, stride in 0_u32..50,
            bytes in prop::collection::vec(any::<u8>(), 0..500),
        ) {
            if let Some(image) = to_rgb(width, height, stride, &bytes) {
                prop_assert_eq!(image.dimensions(), (width, height));
            }
        }
    }
}
