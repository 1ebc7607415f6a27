//! Face detection: BlazeFace over the whole picture.
//!
//! The detector (of `MediaPipe`, 256 × 256) has 896 anchors, two at each place of a 16 × 16 grid
//! and six at each place of an 8 × 8 grid. It returns a score and sixteen numbers for each: box and
//! six points. Only the box is used.
//!
//! Bazarevsky et al., "BlazeFace", 2019. <https://arxiv.org/abs/1907.05047>

use crate::{
    geometry::{Frame, Point},
    picture::Picture,
    refusal::Refusal,
    resample::Square,
    runtime::Net,
};

/// Outputs of the network: scores and boxes of the fine grid, then of the coarse one.
pub(crate) const OUTPUTS: [usize; 4] = [512, 512 * VALUES, 384, 384 * VALUES];

/// Numbers per anchor: centre, size and six points, in pixels of the network's input.
const VALUES: usize = 16;

/// Grids of anchors: distance between places in pixels, and anchors at each place.
const GRIDS: [(u16, usize); 2] = [(16, 2), (32, 6)];

/// Boxes with a larger intersection over union than this are the same face.
const SAME_FACE: f32 = 0.3;

/// The area of the chosen face must be at least this many times the area of the next.
const DOMINANT: f32 = 2.0;

/// A detected face: its box (brow to chin) in pixels of the picture, and the score of the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Face {
    pub(crate) frame: Frame,
    pub(crate) score: f32,
}

/// Returns all faces with a score above `threshold`, the largest first.
pub(crate) fn faces(net: &Net, picture: &Picture, threshold: f32) -> Result<Vec<Face>, Refusal> {
    let square = Square::whole(picture).ok_or(Refusal::NoFace)?;
    let side = net.side();
    let outputs = net.run(&square.resampled(picture, side)).map_err(|_| Refusal::Unexamined)?;
    let scale = square.side() / narrow(side);

    let mut faces = Vec::new();
    for (grid, output) in GRIDS.into_iter().zip(outputs.chunks_exact(2)) {
        let (values, _) = output[1].as_chunks::<VALUES>();
        for ((anchor, &logit), values) in anchors(grid, side).zip(&output[0]).zip(values) {
            let score = 1.0 / (1.0 + (-logit).exp());
            if score > threshold {
                faces.push(Face { frame: frame(anchor, values, scale, &square), score });
            }
        }
    }
    let mut faces = suppressed(faces);
    faces.sort_by(|a, b| b.frame.area().total_cmp(&a.frame.area()));
    Ok(faces)
}

/// Chooses the only face, or the largest if it is at least twice as large as the next.
///
/// # Errors
///
/// [`Refusal::NoFace`] and [`Refusal::SeveralFaces`].
pub(crate) fn the_face(faces: &[Face]) -> Result<Face, Refusal> {
    match faces {
        [] => Err(Refusal::NoFace),
        [first, second, ..] if first.frame.area() < DOMINANT * second.frame.area() => {
            Err(Refusal::SeveralFaces)
        }
        [first, ..] => Ok(*first),
    }
}

/// Centres of the anchors of a grid, in pixels of the network's input, row by row.
fn anchors((stride, count): (u16, usize), side: usize) -> impl Iterator<Item = Point> {
    let places = side / usize::from(stride);
    let at = move |index: usize| (narrow(index) + 0.5) * f32::from(stride);
    (0..places * places * count).map(move |index| {
        let place = index / count;
        Point { x: at(place % places), y: at(place / places) }
    })
}

fn frame(anchor: Point, values: &[f32; VALUES], scale: f32, square: &Square) -> Frame {
    let [x, y, width, height, ..] = *values;
    let centre = Point {
        x: (anchor.x + x) * scale + square.left(),
        y: (anchor.y + y) * scale + square.top(),
    };
    Frame::around(centre, width * scale, height * scale)
}

/// Keeps the box with the highest score of those that overlap (non-maximum suppression).
fn suppressed(mut faces: Vec<Face>) -> Vec<Face> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.iter().all(|other| other.frame.overlap(face.frame) <= SAME_FACE) {
            kept.push(face);
        }
    }
    kept
}

/// Converts a size in the network's input, at most a few hundred pixels.
fn narrow(size: usize) -> f32 {
    u16::try_from(size).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, side: f32, score: f32) -> Face {
        Face { frame: Frame { left, top: 0.0, right: left + side, bottom: side }, score }
    }

    #[test]
    fn the_anchor_grids_match_the_outputs_of_the_network() {
        let counts = GRIDS.map(|grid| anchors(grid, 256).count());
        assert_eq!(counts, [OUTPUTS[0], OUTPUTS[2]]);
    }

    #[test]
    fn of_overlapping_boxes_the_highest_score_stays() {
        let kept =
            suppressed(vec![face(0.0, 100.0, 0.6), face(5.0, 100.0, 0.9), face(300.0, 50.0, 0.7)]);
        assert_eq!(kept, [face(5.0, 100.0, 0.9), face(300.0, 50.0, 0.7)]);
    }

    #[test]
    fn a_face_is_chosen_if_it_has_twice_the_area_of_the_next() {
        let (large, half, small) =
            (face(0.0, 100.0, 0.9), face(200.0, 80.0, 0.9), face(300.0, 60.0, 0.9));
        assert_eq!(the_face(&[]), Err(Refusal::NoFace));
        assert_eq!(the_face(&[large]), Ok(large));
        assert_eq!(the_face(&[large, small]), Ok(large));
        assert_eq!(the_face(&[large, half]), Err(Refusal::SeveralFaces));
    }
}
