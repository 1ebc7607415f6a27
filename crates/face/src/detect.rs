//! Face detection over the whole picture. Each kind of detector has a module that reads its outputs.

mod blaze_face;
mod pyramid;
mod scrfd;
mod yunet;

use crate::{
    geometry::{Frame, Point, length},
    manifest::{self, DetectorKind},
    picture::{Picture, Planes},
    refusal::Refusal,
    resample::Square,
    runtime::{Net, NetError, Runtime, Shape},
    turn::Turn,
};

/// Boxes with a larger intersection over union than this are the same face.
const SAME_FACE: f32 = 0.3;

/// The area of the chosen face must be at least this many times the area of the next.
const DOMINANT: f32 = 2.0;

/// A box below this side, in pixels of the network's input, is looked at again.
///
/// At 128 pixels that is a fifth of the picture. On 173 faces of a tenth of it, the points are so
/// coarse that a quarter do not agree with the landmarks; after another look, all do.
const COARSE: f32 = 26.0;

/// Side of the square that is looked at again, relative to the box.
const SURROUNDINGS: f32 = 4.0;

/// A loaded detector.
#[derive(Debug)]
pub(crate) struct Detector {
    kind: DetectorKind,
    net: Net,
    /// Lower bound of the score of a face.
    score: f32,
}

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

/// The points of a face that a detector finds. Right and left are from the person's view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KeyPoints {
    pub(crate) right_eye: Point,
    pub(crate) left_eye: Point,
    pub(crate) nose: Point,
    pub(crate) mouth: Mouth,
}

/// The mouth, as far as the detector finds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mouth {
    Centre(Point),
    /// The right and the left corner.
    Corners([Point; 2]),
}

impl KeyPoints {
    /// Points of a detector that finds both corners of the mouth: right eye, left eye, nose, right
    /// corner, left corner.
    fn five([right_eye, left_eye, nose, right, left]: [Point; 5]) -> KeyPoints {
        KeyPoints { right_eye, left_eye, nose, mouth: Mouth::Corners([right, left]) }
    }

    /// The centre of the mouth.
    pub(crate) fn mouth_centre(&self) -> Point {
        match self.mouth {
            Mouth::Centre(centre) => centre,
            Mouth::Corners(corners) => Point::mean(&corners),
        }
    }

    fn map(self, place: impl Fn(Point) -> Point) -> KeyPoints {
        KeyPoints {
            right_eye: place(self.right_eye),
            left_eye: place(self.left_eye),
            nose: place(self.nose),
            mouth: match self.mouth {
                Mouth::Centre(centre) => Mouth::Centre(place(centre)),
                Mouth::Corners(corners) => Mouth::Corners(corners.map(place)),
            },
        }
    }
}

/// A possible face, in pixels of the network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    score: f32,
    centre: Point,
    width: f32,
    height: f32,
    points: KeyPoints,
}

impl DetectorKind {
    /// The shape of a network of this kind with an input of `side` pixels.
    pub(crate) fn shape(self, side: usize) -> Shape {
        let outputs = match self {
            Self::BlazeFace => blaze_face::outputs(side),
            Self::YuNet => yunet::outputs(side),
            Self::Scrfd => scrfd::outputs(side),
        };
        Shape::colours(side, outputs)
    }

    /// The sides of all its inputs are multiples of this.
    pub(crate) const STRIDE: u16 = 32;

    /// True if it finds both corners of the mouth.
    pub(crate) fn finds_five_points(self) -> bool {
        !matches!(self, Self::BlazeFace)
    }

    fn prepared(self, planes: Planes) -> Planes {
        match self {
            Self::BlazeFace => planes,
            Self::YuNet => yunet::prepared(planes),
            Self::Scrfd => scrfd::prepared(planes),
        }
    }

    fn candidates(self, side: usize, outputs: &[Vec<f32>]) -> Vec<Candidate> {
        match self {
            Self::BlazeFace => blaze_face::candidates(side, outputs),
            Self::YuNet => yunet::candidates(side, outputs),
            Self::Scrfd => scrfd::candidates(side, outputs),
        }
    }
}

impl Detector {
    /// Loads the network of a pack.
    pub(crate) fn load(
        runtime: &Runtime,
        described: &manifest::Detector,
        onnx: &[u8],
    ) -> Result<Detector, NetError> {
        let manifest::Detector { kind, side, score, .. } = *described;
        Ok(Detector { kind, net: Net::load(runtime, onnx, kind.shape(side.into()))?, score })
    }

    /// A whole picture as the input of this detector.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFace`] if the picture has fewer than two columns or rows.
    pub(crate) fn view(&self, picture: &Picture) -> Result<View, Refusal> {
        let square = Square::whole(picture).ok_or(Refusal::NoFace)?;
        let planes = square.resampled(picture, self.net.side());
        Ok(View { square, planes })
    }

    /// Returns all faces of the turned picture, the largest first.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexamined`] if the network fails.
    pub(crate) fn faces(&self, view: &View, turn: Turn) -> Result<Vec<Face>, Refusal> {
        let input = self.kind.prepared(turn.turned(view.planes.clone()));
        let outputs = self.net.run(input.values()).map_err(|_| Refusal::Unexamined)?;
        let mut candidates = self.kind.candidates(self.net.side(), &outputs);
        candidates.retain(|candidate| candidate.score > self.score);
        let faces = candidates.iter().map(|candidate| view.face(candidate, turn)).collect();
        let mut faces = suppressed(faces);
        faces.sort_by(|a, b| b.frame.area().total_cmp(&a.frame.area()));
        Ok(faces)
    }

    /// Looks again, closer, at a face that is small in the picture. Returns the face as it was if it
    /// is large enough, or if it is not seen again.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unexamined`] if the network fails.
    pub(crate) fn closer(
        &self,
        picture: &Picture,
        view: &View,
        face: Face,
    ) -> Result<Face, Refusal> {
        let scale = view.square.side() / length(self.net.side());
        if face.frame.width().max(face.frame.height()) >= COARSE * scale {
            return Ok(face);
        }
        let (columns, rows) = face.frame.square(SURROUNDINGS);
        let Some(square) = Square::around(picture, columns, rows) else { return Ok(face) };
        let planes = square.resampled(picture, self.net.side());
        let faces = self.faces(&View { square, planes }, face.turn)?;
        let overlap = |other: &Face| other.frame.overlap(face.frame);
        let again = faces.into_iter().filter(|other| overlap(other) > SAME_FACE);
        Ok(again.max_by(|a, b| overlap(a).total_cmp(&overlap(b))).unwrap_or(face))
    }
}

/// A whole picture, or a square of it, as the detector's input.
pub(crate) struct View {
    square: Square,
    planes: Planes,
}

impl View {
    fn face(&self, candidate: &Candidate, turn: Turn) -> Face {
        let side = length(self.planes.side());
        let place = |Point { x, y }: Point| {
            let turned = Point { x: x / side, y: y / side };
            self.square.place(turn.back(turned))
        };
        let scale = self.square.side() / side;
        let (width, height) = turn.size_back(candidate.width * scale, candidate.height * scale);
        Face {
            frame: Frame::around(place(candidate.centre), width, height),
            points: candidate.points.map(place),
            score: candidate.score,
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

/// A grid of anchors: `stride` pixels from place to place, `count` anchors at each place.
#[derive(Debug, Clone, Copy)]
struct Grid {
    stride: u16,
    count: usize,
}

impl Grid {
    /// The columns and rows of an input of `side` pixels.
    fn places(self, side: usize) -> usize {
        side / usize::from(self.stride)
    }

    /// Number of anchors in an input of `side` pixels.
    fn len(self, side: usize) -> usize {
        self.places(side).pow(2) * self.count
    }

    /// The places of the anchors, row by row, `offset` strides right of and below the corner.
    fn anchors(self, side: usize, offset: f32) -> impl Iterator<Item = Point> {
        let places = self.places(side);
        let at = move |index: usize| (length(index) + offset) * f32::from(self.stride);
        (0..self.len(side)).map(move |index| {
            let place = index / self.count;
            Point { x: at(place % places), y: at(place / places) }
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, side: f32, score: f32) -> Face {
        let centre = Point { x: left + side / 2.0, y: side / 2.0 };
        let frame = Frame { left, top: 0.0, right: left + side, bottom: side };
        Face { frame, points: KeyPoints::five([centre; 5]), score, turn: Turn::None }
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
