//! The two forms of pixels in this crate: a decoded picture, and the square planes of a network
//! input.

use crate::manifest::Channels;

/// An upright picture: RGB, eight bits per channel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// Creates a picture from three bytes per pixel. `None` if it is empty or the length is wrong.
    pub(crate) fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Picture> {
        let filled = rgb.len() == width.checked_mul(height)?.checked_mul(3)?;
        (filled && !rgb.is_empty()).then_some(Picture { width, height, rgb })
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// The RGB pixels of one row.
    pub(crate) fn row(&self, y: usize) -> &[[u8; 3]] {
        let (pixels, _) = self.rgb.as_chunks::<3>();
        &pixels[y * self.width..(y + 1) * self.width]
    }

    /// The pixel at (x, y), black outside the picture.
    pub(crate) fn pixel_or_black(&self, x: isize, y: isize) -> [f32; 3] {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => self.row(y)[x].map(f32::from),
            _ => [0.0; 3],
        }
    }
}

/// A square picture as network input: a red, a green and a blue plane of values from 0 to 255.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planes {
    side: usize,
    values: Vec<f32>,
}

impl Planes {
    pub(crate) fn black(side: usize) -> Planes {
        Planes { side, values: vec![0.0; 3 * side * side] }
    }

    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// All values, plane by plane, rows from the top.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Writes one pixel, rounded to integers as in an eight-bit picture.
    pub(crate) fn put(&mut self, x: usize, y: usize, rgb: [f32; 3]) {
        let plane = self.side * self.side;
        for (channel, value) in rgb.into_iter().enumerate() {
            self.values[channel * plane + y * self.side + x] = value.round_ties_even();
        }
    }

    /// The planes in this order of channels, less `mean` and times `scale`.
    pub(crate) fn prepared(mut self, channels: Channels, mean: [f32; 3], scale: f32) -> Planes {
        let plane = self.side * self.side;
        if channels == Channels::Bgr {
            let (red, rest) = self.values.split_at_mut(plane);
            red.swap_with_slice(&mut rest[plane..]);
        }
        for (values, mean) in self.values.chunks_exact_mut(plane).zip(mean) {
            for value in values {
                *value = (*value - mean) * scale;
            }
        }
        self
    }

    /// The mirror image, with left and right exchanged.
    pub(crate) fn mirrored(&self) -> Planes {
        let mut mirrored = self.clone();
        mirrored.values.chunks_exact_mut(self.side).for_each(<[f32]>::reverse);
        mirrored
    }

    /// The planes with rows and columns exchanged.
    pub(crate) fn transposed(&self) -> Planes {
        let side = self.side;
        let mut transposed = self.clone();
        let planes = transposed.values.chunks_exact_mut(side * side);
        for (to, from) in planes.zip(self.values.chunks_exact(side * side)) {
            for (y, row) in to.chunks_exact_mut(side).enumerate() {
                row.iter_mut().enumerate().for_each(|(x, value)| *value = from[x * side + y]);
            }
        }
        transposed
    }

    /// The planes turned upside down.
    pub(crate) fn reversed(&self) -> Planes {
        let mut reversed = self.clone();
        reversed.values.chunks_exact_mut(self.side * self.side).for_each(<[f32]>::reverse);
        reversed
    }

    /// Brightness of each pixel, 0 to 255 (ITU-R BT.601 weights).
    pub(crate) fn luma(&self) -> Vec<f32> {
        let (red, rest) = self.values.split_at(self.side * self.side);
        let (green, blue) = rest.split_at(self.side * self.side);
        let pixels = red.iter().zip(green).zip(blue);
        pixels.map(|((r, g), b)| 0.299 * r + 0.587 * g + 0.114 * b).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_needs_exactly_three_bytes_per_pixel() {
        assert!(Picture::new(2, 2, vec![0; 12]).is_some());
        assert!(Picture::new(2, 2, vec![0; 11]).is_none());
        assert!(Picture::new(0, 2, Vec::new()).is_none());
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let mut planes = Planes::black(3);
        planes.put(0, 1, [1.0, 2.0, 3.0]);
        let mirrored = planes.mirrored();
        assert_ne!(mirrored, planes);
        assert_eq!(mirrored.mirrored(), planes);
    }
}
