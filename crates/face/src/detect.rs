//! Face detection: BlazeFace over the whole picture.
//!
//! The detector (of `MediaPipe`, 256 × 256) has 896 anchors, two at each place of a 16 × 16 grid
//! and six at each place of an 8 × 8 grid. It returns a score and sixteen numbers for each: box and
//! six points.
//!
//! Bazarevsky et al., "BlazeFace", 2019. <https://arxiv.org/abs/1907.05047>

use crate::{
    geometry::{Frame, Point},
    picture::{Picture, Planes},
    refusal::Refusal,
    resample::Square,
    runtime::Net,
    turn::Turn,
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

/// A detected face, in pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Face {
    /// Box from brow to chin.
    pub(crate) frame: Frame,
    /// The detector's own points.
    pub(crate) points: KeyPoints,
    /// Score of the detector, 0 to 1.
    pub(crate) score: f32,
    /// The turn of the picture in which the detector saw it.
    pub(crate) turn: Turn,
}

impl Face {
    /// Tilt of the line through the eyes after the turn, in degrees.
    pub(crate) fn tilt(&self) -> f32 {
        self.turn.tilt(self.points.right_eye.slope_to(self.points.left_eye))
    }
}

/// The points of a face that both the detector and the landmark network find, and that do not move
/// when the head turns. Right and left are from the person's view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KeyPoints {
    pub(crate) right_eye: Point,
    pub(crate) left_eye: Point,
    pub(crate) mouth: Point,
}

/// A whole picture as the detector's input.
pub(crate) struct View {
    square: Square,
    planes: Planes,
}

impl View {
    /// Resamples a picture to the input of a detector with this side.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFace`] if the picture has fewer than two columns or rows.
    pub(crate) fn of(picture: &Picture, side: usize) -> Result<View, Refusal> {
        let square = Square::whole(picture).ok_or(Refusal::NoFace)?;
        let planes = square.resampled(picture, side);
        Ok(View { square, planes })
    }

    /// Returns all faces of the turned picture with a score above `threshold`, the largest first.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexamined`] if the network fails.
    pub(crate) fn faces(
        &self,
        net: &Net,
        threshold: f32,
        turn: Turn,
    ) -> Result<Vec<Face>, Refusal> {
        let outputs =
            net.run(&turn.turned(self.planes.clone())).map_err(|_| Refusal::Unexamined)?;
        let side = net.side();
        let mut faces = Vec::new();
        for (grid, output) in GRIDS.into_iter().zip(outputs.chunks_exact(2)) {
            let (values, _) = output[1].as_chunks::<VALUES>();
            for ((anchor, &logit), values) in anchors(grid, side).zip(&output[0]).zip(values) {
                let score = 1.0 / (1.0 + (-logit).exp());
                if score > threshold {
                    faces.push(self.face(anchor, values, turn, score));
                }
            }
        }
        let mut faces = suppressed(faces);
        faces.sort_by(|a, b| b.frame.area().total_cmp(&a.frame.area()));
        Ok(faces)
    }

    fn face(&self, anchor: Point, values: &[f32; VALUES], turn: Turn, score: f32) -> Face {
        let (points, _) = values.as_chunks::<2>();
        let side = narrow(self.planes.side());
        let place = |[x, y]: [f32; 2]| {
            let turned = Point { x: (anchor.x + x) / side, y: (anchor.y + y) / side };
            self.square.place(turn.back(turned))
        };
        let scale = self.square.side() / side;
        let [width, height] = points[1].map(|length| length * scale);
        let (width, height) = turn.size_back(width, height);
        Face {
            frame: Frame::around(place(points[0]), width, height),
            points: KeyPoints {
                right_eye: place(points[2]),
                left_eye: place(points[3]),
                mouth: place(points[5]),
            },
            score,
            turn,
        }
    }
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
        let centre = Point { x: left + side / 2.0, y: side / 2.0 };
        let points = KeyPoints { right_eye: centre, left_eye: centre, mouth: centre };
        let frame = Frame { left, top: 0.0, right: left + side, bottom: side };
        Face { frame, points, score, turn: Turn::None }
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
