//! Turns a decoded picture as its metadata say (EXIF 2.32 §4.6.4).
//!
//! A quarter turn reads columns and writes rows. Pixel by pixel, each read of a picture that is larger
//! than the caches fetches a line of memory for three bytes. In tiles every line that was fetched is
//! used for all pixels of the tile, which takes a third of the time for 12 megapixels.

use crate::picture::Picture;
use image::{DynamicImage, RgbImage, metadata::Orientation};

/// Side of a tile, in pixels. Sides from 8 to 128 cost the same.
const TILE: usize = 32;

/// A turn that exchanges rows and columns.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    /// The first row of the result is the last column, and not the first.
    from_right: bool,
    /// The first column of the result is the last row, and not the first.
    from_bottom: bool,
}

/// The picture as it should be seen. `None` if it is empty.
pub(crate) fn upright(image: RgbImage, orientation: Orientation) -> Option<Picture> {
    let [width, height] =
        [image.width(), image.height()].map(|side| usize::try_from(side).unwrap_or(0));
    if let Some(exchange) = Exchange::of(orientation) {
        let (pixels, _) = image.as_raw().as_chunks::<3>();
        let turned = exchange.applied(pixels, width, height);
        return Picture::new(height, width, turned.into_flattened());
    }
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    Picture::new(width, height, image.into_rgb8().into_raw())
}

impl Exchange {
    const fn of(orientation: Orientation) -> Option<Exchange> {
        let (from_right, from_bottom) = match orientation {
            Orientation::Rotate90 => (false, true),
            Orientation::Rotate270 => (true, false),
            Orientation::Rotate90FlipH => (false, false),
            Orientation::Rotate270FlipH => (true, true),
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => return None,
        };
        Some(Exchange { from_right, from_bottom })
    }

    /// The turned pixels of a picture, `height` of them in a row.
    fn applied(self, pixels: &[[u8; 3]], width: usize, height: usize) -> Vec<[u8; 3]> {
        let mut turned = vec![[0; 3]; pixels.len()];
        for top in (0..width).step_by(TILE) {
            for left in (0..height).step_by(TILE) {
                let right = (left + TILE).min(height);
                for y in top..(top + TILE).min(width) {
                    let column = if self.from_right { width - 1 - y } else { y };
                    let line = &mut turned[y * height + left..y * height + right];
                    for (pixel, x) in line.iter_mut().zip(left..) {
                        let row = if self.from_bottom { height - 1 - x } else { x };
                        *pixel = pixels[row * width + column];
                    }
                }
            }
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// EXIF numbers the orientations from 1 to 8.
        #[test]
        fn a_picture_is_turned_as_the_library_turns_it(
            number in 1_u8..=8,
            width in 1_u32..80,
            height in 1_u32..80,
            seed in any::<u8>(),
        ) {
            let orientation = Orientation::from_exif(number).unwrap();
            let image = RgbImage::from_fn(width, height, |x, y| {
                let [x, y] = [x, y].map(|at| at.to_le_bytes()[0]);
                image::Rgb([x, y, x.wrapping_mul(31).wrapping_add(y) ^ seed])
            });
            let mut expected = DynamicImage::ImageRgb8(image.clone());
            expected.apply_orientation(orientation);
            let sides = [expected.width(), expected.height()];
            let [width, height] = sides.map(|side| usize::try_from(side).unwrap());
            let expected = Picture::new(width, height, expected.into_rgb8().into_raw());
            prop_assert_eq!(upright(image, orientation), expected);
        }
    }
}
