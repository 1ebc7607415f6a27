//! The landmarks of a face: 68 (iBUG 300-W numbering) by a network, from a square around the detector's
//! box, or the five that the detector itself finds.

use crate::{
    detect::{Face, Mouth},
    geometry::Point,
    manifest,
    picture::{Picture, Planes},
    refusal::Refusal,
    resample::Square,
    runtime::{Net, NetError, Runtime, Shape},
};
use std::ops::Range;

/// Number of points of a face by a network.
const COUNT: usize = 68;

/// The points of one face, in pixels of the picture. Right and left are from the person's view.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Landmarks {
    /// All of iBUG 300-W.
    All(Points),
    /// Right eye, left eye, tip of the nose, right and left corner of the mouth.
    Five([Point; 5]),
}

impl Landmarks {
    /// All 68 points, if a network found them.
    pub(crate) fn all(&self) -> Option<&Points> {
        match self {
            Self::All(points) => Some(points),
            Self::Five(_) => None,
        }
    }

    /// Right eye, left eye, tip of the nose, right and left corner of the mouth.
    pub(crate) fn five(&self) -> [Point; 5] {
        match self {
            Self::All(points) => {
                let [right_corner, left_corner] = points.mouth_corners();
                let (right_eye, left_eye) = (points.right_eye(), points.left_eye());
                [right_eye, left_eye, points.nose_tip(), right_corner, left_corner]
            }
            Self::Five(points) => *points,
        }
    }

    pub(crate) fn right_eye(&self) -> Point {
        self.five()[0]
    }

    pub(crate) fn left_eye(&self) -> Point {
        self.five()[1]
    }

    pub(crate) fn nose_tip(&self) -> Point {
        self.five()[2]
    }

    pub(crate) fn mouth_corners(&self) -> [Point; 2] {
        let [_, _, _, right, left] = self.five();
        [right, left]
    }
}

/// All 68 landmarks of a face, in pixels of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Points(Vec<Point>);

/// The tip of the nose.
pub(crate) const NOSE: usize = 30;

impl Points {
    /// Takes 68 points.
    pub(crate) const fn new(points: Vec<Point>) -> Points {
        Points(points)
    }

    /// The point with this number, 0 to 67.
    pub(crate) fn point(&self, index: usize) -> Point {
        self.0[index]
    }

    /// The points with these numbers.
    pub(crate) fn part(&self, numbers: Range<usize>) -> &[Point] {
        &self.0[numbers]
    }

    pub(crate) fn right_eye(&self) -> Point {
        Point::mean(self.part(36..42))
    }

    pub(crate) fn left_eye(&self) -> Point {
        Point::mean(self.part(42..48))
    }

    pub(crate) fn nose_tip(&self) -> Point {
        self.0[NOSE]
    }

    pub(crate) fn mouth_corners(&self) -> [Point; 2] {
        [self.0[48], self.0[54]]
    }
}

/// Finds the landmarks of a detected face.
#[derive(Debug)]
pub(crate) enum Marker {
    /// The network of face-api: 112 × 112 in colours.
    FaceApi(Net),
    /// A network of 64 × 64 in grey.
    Grey(Net),
    /// The detector's own points.
    Detector,
}

/// Side of the input of face-api's network, in pixels.
const FACE_API_SIDE: usize = 112;

/// Side of the input of a grey network, in pixels.
const GREY_SIDE: usize = 64;

/// A grey network takes brightness divided by this.
const GREY_SCALE: f32 = 256.0;

/// Side of the square that a network sees, relative to the detector's tight box. The grey network of
/// the default pack finds the points best with the same square as face-api's.
const MARGIN: f32 = 1.2;

/// The shape of face-api's network.
pub(crate) fn face_api_shape() -> Shape {
    Shape::colours(FACE_API_SIDE, vec![2 * COUNT])
}

/// The shape of a grey network.
pub(crate) fn grey_shape() -> Shape {
    Shape { planes: 1, side: GREY_SIDE, outputs: vec![2 * COUNT] }
}

impl Marker {
    /// Loads the network of a pack, if it has one.
    pub(crate) fn load(
        runtime: &Runtime,
        described: &manifest::Landmarks,
        onnx: Option<&[u8]>,
    ) -> Result<Marker, NetError> {
        match (described, onnx) {
            (manifest::Landmarks::FaceApi { .. }, Some(onnx)) => {
                Net::load(runtime, onnx, face_api_shape()).map(Self::FaceApi)
            }
            (manifest::Landmarks::Grey { .. }, Some(onnx)) => {
                Net::load(runtime, onnx, grey_shape()).map(Self::Grey)
            }
            _ => Ok(Self::Detector),
        }
    }

    /// Finds the points of a detected face.
    ///
    /// # Errors
    ///
    /// [`Refusal::CutOff`] if fewer than two columns or rows of the face's square lie inside the
    /// picture, [`Refusal::Unexamined`] if the network fails.
    pub(crate) fn landmarks(&self, picture: &Picture, face: &Face) -> Result<Landmarks, Refusal> {
        match self {
            Self::FaceApi(net) => found(net, picture, face, |planes| planes.values().to_vec()),
            Self::Grey(net) => found(net, picture, face, |planes| {
                planes.luma().into_iter().map(|value| value / GREY_SCALE).collect()
            }),
            Self::Detector => of_detector(face).ok_or(Refusal::Unexamined),
        }
    }
}

fn of_detector(face: &Face) -> Option<Landmarks> {
    let points = face.points;
    let Mouth::Corners([right, left]) = points.mouth else { return None };
    Some(Landmarks::Five([points.right_eye, points.left_eye, points.nose, right, left]))
}

/// The points that a network finds in the square around a face. It returns x and y of every point, as
/// fractions of the square.
fn found(
    net: &Net,
    picture: &Picture,
    face: &Face,
    input: impl Fn(&Planes) -> Vec<f32>,
) -> Result<Landmarks, Refusal> {
    let (columns, rows) = face.frame.square(MARGIN);
    let square = Square::around(picture, columns, rows).ok_or(Refusal::CutOff)?;
    let planes = face.turn.turned(square.resampled(picture, net.side()));
    let outputs = net.run(&input(&planes)).map_err(|_| Refusal::Unexamined)?;

    let (pairs, _) = outputs[0].as_chunks::<2>();
    let place = |&[x, y]: &[f32; 2]| square.place(face.turn.back(Point { x, y }));
    Ok(Landmarks::All(Points::new(pairs.iter().map(place).collect())))
}
