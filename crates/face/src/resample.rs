//! Resamples a part of a picture, padded with black to a square, to the input size of a network.
//!
//! Shrinking averages the area under each output pixel, enlarging interpolates: `OpenCV`'s
//! `INTER_AREA` and `INTER_LINEAR`, which the default pack was calibrated with. The black padding
//! is not stored: taps on it are left out.

use crate::{
    geometry::Point,
    picture::{Picture, Planes},
};
use std::ops::Range;

/// A part of a picture in a square: whole pixels, clipped to the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Square {
    columns: Range<usize>,
    rows: Range<usize>,
    left: isize,
    top: isize,
    side: usize,
}

impl Square {
    /// The smallest square with these columns and rows at its centre; an odd pixel of padding goes
    /// to the end.
    ///
    /// `None` if fewer than two columns or rows lie inside the picture.
    pub(crate) fn around(
        picture: &Picture,
        columns: Range<isize>,
        rows: Range<isize>,
    ) -> Option<Square> {
        let columns = inside(columns, picture.width())?;
        let rows = inside(rows, picture.height())?;
        let side = columns.len().max(rows.len());
        let left = columns.start.checked_signed_diff((side - columns.len()) / 2)?;
        let top = rows.start.checked_signed_diff((side - rows.len()) / 2)?;
        Some(Square { columns, rows, left, top, side })
    }

    /// The whole picture in a square.
    pub(crate) fn whole(picture: &Picture) -> Option<Square> {
        Square::around(picture, 0..isize::MAX, 0..isize::MAX)
    }

    /// The place in the picture of a point of the square, given in fractions of its side.
    pub(crate) fn place(&self, Point { x, y }: Point) -> Point {
        let side = self.side();
        Point { x: x * side + pixels(self.left), y: y * side + pixels(self.top) }
    }

    /// Side of the square, in pixels of the picture.
    pub(crate) fn side(&self) -> f32 {
        pixels(self.side.cast_signed())
    }

    /// Resamples the square to `side` × `side` pixels. Rows are blended first, which leaves little
    /// work for the columns.
    pub(crate) fn resampled(&self, picture: &Picture, side: usize) -> Planes {
        let across = taps(self.side, side, self.left, &self.columns);
        let down = taps(self.side, side, self.top, &self.rows);
        let mut line = vec![[0.0; 3]; self.columns.len()];
        let mut planes = Planes::black(side);
        for (y, taps) in down.iter().enumerate() {
            line.fill([0.0; 3]);
            for (row, &weight) in (taps.first..).zip(&taps.weights) {
                blend(&mut line, &picture.row(row)[self.columns.clone()], weight);
            }
            for (x, taps) in across.iter().enumerate() {
                planes.put(x, y, taps.over(&line, self.columns.start));
            }
        }
        planes
    }
}

/// Stretches a part of a picture to `side` × `side` pixels, interpolating between the centres of the
/// nearest pixels also where it shrinks (`OpenCV`'s `INTER_LINEAR`).
pub(crate) fn stretched(
    picture: &Picture,
    columns: Range<usize>,
    rows: Range<usize>,
    side: usize,
) -> Planes {
    let mut planes = Planes::black(side);
    let across: Vec<_> = (0..side).map(|x| linear(columns.len(), side, x)).collect();
    for y in 0..side {
        let down = linear(rows.len(), side, y);
        for (x, across) in across.iter().enumerate() {
            let mut sum = [0.0; 3];
            for &(row, share) in &down {
                let row = &picture.row(rows.start + row)[columns.clone()];
                for &(column, weight) in across {
                    let pixel = row[column].map(f32::from);
                    sum = [0, 1, 2].map(|at| sum[at] + pixel[at] * share * weight);
                }
            }
            planes.put(x, y, sum);
        }
    }
    planes
}

fn inside(wanted: Range<isize>, size: usize) -> Option<Range<usize>> {
    let start = usize::try_from(wanted.start.max(0)).ok()?;
    let end = usize::try_from(wanted.end).ok()?.min(size);
    (start + 2 <= end).then_some(start..end)
}

/// Adds a weighted row to a line.
fn blend(line: &mut [[f32; 3]], row: &[[u8; 3]], weight: f32) {
    for (sum, &value) in line.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
        *sum += weight * f32::from(value);
    }
}

/// The neighbouring pixels of a line that contribute to one output pixel, with their weights.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    /// The weighted sum over a line that begins at column `start`.
    fn over(&self, line: &[[f32; 3]], start: usize) -> [f32; 3] {
        let pixels = line.get(self.first.saturating_sub(start)..).unwrap_or_default();
        pixels.iter().zip(&self.weights).fold([0.0; 3], |sum, (pixel, weight)| {
            [sum[0] + pixel[0] * weight, sum[1] + pixel[1] * weight, sum[2] + pixel[2] * weight]
        })
    }
}

/// Taps for every output pixel of a line of `from` pixels that begins at `origin`; those outside
/// `visible` are black and left out.
fn taps(from: usize, to: usize, origin: isize, visible: &Range<usize>) -> Vec<Taps> {
    let lines = (0..to)
        .map(|index| if to < from { area(from, to, index) } else { linear(from, to, index) });
    let shown = |(offset, weight): (usize, f32)| {
        let place = usize::try_from(origin.checked_add_unsigned(offset)?).ok()?;
        visible.contains(&place).then_some((place, weight))
    };
    let cut = |line: Vec<(usize, f32)>| {
        let (places, weights): (Vec<usize>, Vec<f32>) = line.into_iter().filter_map(shown).unzip();
        Taps { first: places.first().copied().unwrap_or(0), weights }
    };
    lines.map(cut).collect()
}

/// Weights each source pixel by its area under the output pixel.
fn area(from: usize, to: usize, index: usize) -> Vec<(usize, f32)> {
    // In units of 1/to source pixels, all positions are integers.
    let (start, end) = (index * from, (index + 1) * from);
    let overlap = |pixel: usize| ((pixel + 1) * to).min(end) - (pixel * to).max(start);
    (start / to..end.div_ceil(to)).map(|pixel| (pixel, ratio(overlap(pixel), from))).collect()
}

/// Interpolates between the centres of two source pixels; the outermost pixels are repeated.
fn linear(from: usize, to: usize, index: usize) -> Vec<(usize, f32)> {
    // The centre in units of 1/(2·to) source pixels, measured from the centre of the first pixel.
    let centre = ((2 * index + 1) * from).saturating_sub(to);
    let (pixel, fraction) = (centre / (2 * to), ratio(centre % (2 * to), 2 * to));
    if pixel + 1 >= from {
        return vec![(from - 1, 1.0)];
    }
    vec![(pixel, 1.0 - fraction), (pixel + 1, fraction)]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "at most 4096 × 4096 = 2^24, which an f32 holds exactly"
)]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[expect(clippy::cast_precision_loss, reason = "at most 4096 either way")]
fn pixels(count: isize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_weights_of_every_output_pixel_sum_to_one(from in 2_usize..600, to in 1_usize..300) {
            for taps in taps(from, to, 0, &(0..from)) {
                let sum: f32 = taps.weights.iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-4);
            }
        }

        #[test]
        fn a_grey_picture_stays_grey_and_its_padding_black(width in 2_usize..80, height in 2_usize..80, side in 1_usize..60) {
            let picture = Picture::new(width, height, vec![90; width * height * 3]).unwrap();
            let planes = Square::whole(&picture).unwrap().resampled(&picture, side);
            prop_assert!(planes.values().iter().all(|&value| (0.0..=90.0).contains(&value)));
            if width == height {
                prop_assert!(planes.values().iter().all(|&value| (value - 90.0).abs() < 0.5));
            }
        }
    }

    #[test]
    fn a_frame_outside_the_picture_is_refused() {
        let picture = Picture::new(10, 10, vec![0; 300]).unwrap();
        assert_eq!(Square::around(&picture, -20..1, 0..10), None);
        assert_eq!(Square::around(&picture, 12..20, 0..10), None);
        assert!(Square::around(&picture, -20..30, 4..6).is_some());
    }
}
