//! The 68 landmarks of a face (iBUG 300-W numbering), from an enlarged square around the detector's
//! box.

use crate::{
    detect::Face,
    geometry::{Frame, Point},
    picture::Picture,
    refusal::Refusal,
    resample::Square,
    runtime::Net,
};
use std::ops::Range;

/// Number of points of one face.
const COUNT: usize = 68;

/// Outputs of the network: x and y of every point, as fractions of the input square.
pub(crate) const OUTPUTS: [usize; 1] = [2 * COUNT];

/// Side of the network's square relative to the detector's tight box.
const MARGIN: f32 = 1.2;

/// The points of one face, in pixels of the picture. Right and left are from the person's view.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Landmarks(Vec<Point>);

impl Landmarks {
    /// Point number `index`, 0 to 67.
    pub(crate) fn point(&self, index: usize) -> Point {
        self.0[index]
    }

    pub(crate) fn right_eye(&self) -> Point {
        self.centre(36..42)
    }

    pub(crate) fn left_eye(&self) -> Point {
        self.centre(42..48)
    }

    pub(crate) fn nose_tip(&self) -> Point {
        self.0[30]
    }

    pub(crate) fn mouth_corners(&self) -> [Point; 2] {
        [self.0[48], self.0[54]]
    }

    fn centre(&self, points: Range<usize>) -> Point {
        Point::mean(&self.0[points])
    }
}

/// Finds the points of a detected face.
///
/// # Errors
///
/// [`Refusal::CutOff`] if fewer than two columns or rows of the face's square lie inside the
/// picture, [`Refusal::Unexamined`] if the network fails.
pub(crate) fn landmarks(net: &Net, picture: &Picture, face: &Face) -> Result<Landmarks, Refusal> {
    let (columns, rows) = whole_pixels(face.frame);
    let square = Square::around(picture, columns, rows).ok_or(Refusal::CutOff)?;
    let planes = face.turn.turned(square.resampled(picture, net.side()));
    let outputs = net.run(&planes).map_err(|_| Refusal::Unexamined)?;

    let (pairs, _) = outputs[0].as_chunks::<2>();
    let place = |&[x, y]: &[f32; 2]| square.place(face.turn.back(Point { x, y }));
    Ok(Landmarks(pairs.iter().map(place).collect()))
}

/// Columns and rows of the square around a face, rounded down as in face-api (`Box.floor`).
fn whole_pixels(frame: Frame) -> (Range<isize>, Range<isize>) {
    let side = frame.width().max(frame.height()) * MARGIN;
    let square = Frame::around(frame.centre(), side, side);
    let (left, top) = (floor(square.left), floor(square.top));
    let (width, height) = (floor(square.width()), floor(square.height()));
    (left..left.saturating_add(width), top..top.saturating_add(height))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates; values far outside are clipped to the picture"
)]
fn floor(value: f32) -> isize {
    value.floor() as isize
}
