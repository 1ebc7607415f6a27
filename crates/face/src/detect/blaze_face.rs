//! `BlazeFace` of `MediaPipe`: two anchors at each place of a grid of 16 pixels, and six at each place
//! of a grid of 32. It returns a score and sixteen numbers for each: box and six points. The input has
//! 256 pixels a side in the original, and the weights serve any multiple of 32.
//!
//! The networks that `fourauth-face-pack` builds take colours from 0 to 255.
//!
//! Bazarevsky et al., "BlazeFace", 2019. <https://arxiv.org/abs/1907.05047>

use super::{Candidate, Grid, KeyPoints, Mouth};
use crate::geometry::Point;

/// Numbers per anchor: centre, size and six points, in pixels of the network's input.
const VALUES: usize = 16;

const GRIDS: [Grid; 2] = [Grid { stride: 16, count: 2 }, Grid { stride: 32, count: 6 }];

/// Scores and boxes of the fine grid, then of the coarse one.
pub(super) fn outputs(side: usize) -> Vec<usize> {
    GRIDS.into_iter().flat_map(|grid| [grid.len(side), grid.len(side) * VALUES]).collect()
}

pub(super) fn candidates(side: usize, outputs: &[Vec<f32>]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (grid, output) in GRIDS.into_iter().zip(outputs.chunks_exact(2)) {
        let (values, _) = output[1].as_chunks::<VALUES>();
        for ((anchor, &logit), values) in grid.anchors(side, 0.5).zip(&output[0]).zip(values) {
            candidates.push(candidate(anchor, logit, values));
        }
    }
    candidates
}

fn candidate(anchor: Point, logit: f32, values: &[f32; VALUES]) -> Candidate {
    let (pairs, _) = values.as_chunks::<2>();
    let at = |[x, y]: [f32; 2]| Point { x: anchor.x + x, y: anchor.y + y };
    let [width, height] = pairs[1];
    Candidate {
        score: 1.0 / (1.0 + (-logit).exp()),
        centre: at(pairs[0]),
        width,
        height,
        points: KeyPoints {
            right_eye: at(pairs[2]),
            left_eye: at(pairs[3]),
            nose: at(pairs[4]),
            mouth: Mouth::Centre(at(pairs[5])),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_of_both_sizes_have_the_documented_lengths() {
        assert_eq!(outputs(256), [512, 512 * 16, 384, 384 * 16]);
        assert_eq!(outputs(128), [128, 128 * 16, 96, 96 * 16]);
    }
}
