//! `YuNet`: one anchor at each place of three grids. It returns a class score, an object score, a box
//! and five points for each.
//!
//! The order of the outputs is that of the published files: the class scores of the three grids, then
//! their object scores, boxes and points. Colours are blue, green and red from 0 to 255.
//!
//! Wu, Peng, Yu, "`YuNet`: A Tiny Millisecond-level Face Detector", 2023. The decoding is that of
//! `FaceDetectorYN` in `OpenCV`.

use super::{
    Candidate,
    pyramid::{Anchor, Pyramid},
};
use crate::{manifest::Channels, picture::Planes};

const PYRAMID: Pyramid<4> = Pyramid { count: 1, values: [1, 1, 4, 10] };

pub(super) fn outputs(side: usize) -> Vec<usize> {
    PYRAMID.outputs(side)
}

pub(super) fn prepared(planes: Planes) -> Planes {
    planes.prepared(Channels::Bgr, [0.0; 3], 1.0)
}

pub(super) fn candidates(side: usize, outputs: &[Vec<f32>]) -> Vec<Candidate> {
    PYRAMID.anchors(side, outputs).map(|anchor| candidate(&anchor)).collect()
}

fn candidate(anchor: &Anchor<'_, 4>) -> Candidate {
    let [class, object, shape, points] = anchor.values;
    Candidate {
        score: (class[0].clamp(0.0, 1.0) * object[0].clamp(0.0, 1.0)).sqrt(),
        centre: anchor.point(shape[0], shape[1]),
        width: shape[2].exp() * anchor.stride,
        height: shape[3].exp() * anchor.stride,
        points: anchor.five(points),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    #[test]
    fn a_box_is_decoded_relative_to_its_place() {
        let mut found: Vec<Vec<f32>> = outputs(64).into_iter().map(|len| vec![0.0; len]).collect();
        // The second row and third column of the grid of 16 pixels.
        let place = 4 + 2;
        found[1][place] = 0.81;
        found[4][place] = 1.0;
        found[7][place * 4..(place + 1) * 4].copy_from_slice(&[0.5, 0.25, 2.0_f32.ln(), 0.0]);
        found[10][place * 10..place * 10 + 4].copy_from_slice(&[-0.5, 0.0, 0.5, 0.0]);
        let best = candidates(64, &found).into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        let best = best.unwrap();
        assert!((best.score - 0.9).abs() < 1e-6);
        assert!((best.width - 32.0).abs() < 1e-4 && (best.height - 16.0).abs() < 1e-4);
        assert_eq!(best.centre, Point { x: 40.0, y: 20.0 });
        assert_eq!(best.points.right_eye, Point { x: 24.0, y: 16.0 });
        assert_eq!(best.points.left_eye, Point { x: 40.0, y: 16.0 });
    }
}
