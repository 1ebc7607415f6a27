//! Detectors with grids of 8, 16 and 32 pixels and one output for each kind of value and each grid:
//! all outputs of the first kind, then all of the second.

use super::{Grid, KeyPoints};
use crate::geometry::Point;
use std::array;

/// Distances between the places of the grids, in pixels.
const STRIDES: [u16; 3] = [8, 16, 32];

/// A detector with `KINDS` kinds of values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pyramid<const KINDS: usize> {
    /// Anchors at each place.
    pub(super) count: usize,
    /// Values per anchor of each kind.
    pub(super) values: [usize; KINDS],
}

/// One anchor and its values.
pub(super) struct Anchor<'outputs, const KINDS: usize> {
    pub(super) place: Point,
    pub(super) stride: f32,
    pub(super) values: [&'outputs [f32]; KINDS],
}

impl<const KINDS: usize> Pyramid<KINDS> {
    /// The lengths of the outputs for an input of `side` pixels.
    pub(super) fn outputs(&self, side: usize) -> Vec<usize> {
        let of_kind = |values: usize| self.grids().map(move |grid| grid.len(side) * values);
        self.values.into_iter().flat_map(of_kind).collect()
    }

    /// All anchors with their values.
    pub(super) fn anchors<'outputs>(
        &self,
        side: usize,
        outputs: &'outputs [Vec<f32>],
    ) -> impl Iterator<Item = Anchor<'outputs, KINDS>> {
        let sizes = self.values;
        self.grids().enumerate().flat_map(move |(index, grid)| {
            let of_kind = move |kind: usize| outputs[kind * STRIDES.len() + index].as_slice();
            grid.anchors(side, 0.0).enumerate().map(move |(number, place)| Anchor {
                place,
                stride: grid.stride.into(),
                values: array::from_fn(|kind| {
                    let count = sizes[kind];
                    &of_kind(kind)[number * count..(number + 1) * count]
                }),
            })
        })
    }

    fn grids(&self) -> impl Iterator<Item = Grid> + use<KINDS> {
        let count = self.count;
        STRIDES.into_iter().map(move |stride| Grid { stride, count })
    }
}

impl<const KINDS: usize> Anchor<'_, KINDS> {
    /// The point that is this many strides right of and below the anchor.
    pub(super) fn point(&self, x: f32, y: f32) -> Point {
        Point { x: self.place.x + x * self.stride, y: self.place.y + y * self.stride }
    }

    /// The five points in ten values.
    pub(super) fn five(&self, values: &[f32]) -> KeyPoints {
        KeyPoints::five(array::from_fn(|at| self.point(values[2 * at], values[2 * at + 1])))
    }
}
