//! SCRFD with points: two anchors at each place of three grids. It returns a score, the distances to
//! the four edges of the box, and five points for each.
//!
//! The order of the outputs is that of insightface's files (`scrfd_*_kps.onnx`): the scores of the
//! three grids, then their boxes and points. Colours are red, green and blue, (x − 127.5) / 128.
//!
//! Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", 2021. The decoding
//! is that of `scrfd.py` in insightface.

use super::{
    Candidate,
    pyramid::{Anchor, Pyramid},
};
use crate::{geometry::Frame, manifest::Channels, picture::Planes};

const PYRAMID: Pyramid<3> = Pyramid { count: 2, values: [1, 4, 10] };

pub(super) fn outputs(side: usize) -> Vec<usize> {
    PYRAMID.outputs(side)
}

pub(super) fn prepared(planes: Planes) -> Planes {
    planes.prepared(Channels::Rgb, [127.5; 3], 1.0 / 128.0)
}

pub(super) fn candidates(side: usize, outputs: &[Vec<f32>]) -> Vec<Candidate> {
    PYRAMID.anchors(side, outputs).map(|anchor| candidate(&anchor)).collect()
}

fn candidate(anchor: &Anchor<'_, 3>) -> Candidate {
    let [score, edges, points] = anchor.values;
    let (start, end) = (anchor.point(-edges[0], -edges[1]), anchor.point(edges[2], edges[3]));
    let frame = Frame { left: start.x, top: start.y, right: end.x, bottom: end.y };
    Candidate {
        score: score[0],
        centre: frame.centre(),
        width: frame.width(),
        height: frame.height(),
        points: anchor.five(points),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    #[test]
    fn a_box_is_decoded_from_the_distances_to_its_edges() {
        let mut found: Vec<Vec<f32>> = outputs(64).into_iter().map(|len| vec![0.0; len]).collect();
        // The second anchor of the second row and first column of the grid of 32 pixels.
        let anchor = 2 * 2 + 1;
        found[2][anchor] = 0.9;
        found[5][anchor * 4..(anchor + 1) * 4].copy_from_slice(&[0.0, 0.5, 1.0, 0.25]);
        found[8][anchor * 10..anchor * 10 + 2].copy_from_slice(&[0.25, -0.25]);
        let best = candidates(64, &found).into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        let best = best.unwrap();
        assert!((best.width - 32.0).abs() < 1e-4 && (best.height - 24.0).abs() < 1e-4);
        assert_eq!(best.centre, Point { x: 16.0, y: 28.0 });
        assert_eq!(best.points.right_eye, Point { x: 8.0, y: 24.0 });
    }
}
