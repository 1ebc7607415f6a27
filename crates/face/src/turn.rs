//! Quarter turns: a camera that is held on its side stores a picture on its side, and not every
//! program writes the EXIF orientation that says so.

use crate::{geometry::Point, picture::Planes};

/// How far a picture is turned clockwise before a network sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    Right,
    Half,
    Left,
}

/// Upper bound of the tilt that the detector finds in most faces that are upside down, in degrees.
/// It finds more in most that lie on their side.
const MAX_UPSIDE_DOWN: f32 = 30.0;

impl Turn {
    /// The turns to try for a face with this tilt, in degrees, the likeliest first. The detector
    /// finds little tilt in a face that is upside down.
    pub(crate) fn against(tilt: f32) -> [Turn; 3] {
        if tilt.abs() <= MAX_UPSIDE_DOWN {
            [Turn::Half, Turn::Left, Turn::Right]
        } else if tilt > 0.0 {
            [Turn::Left, Turn::Half, Turn::Right]
        } else {
            [Turn::Right, Turn::Half, Turn::Left]
        }
    }

    /// The turned planes.
    pub(crate) fn turned(self, planes: Planes) -> Planes {
        match self {
            Turn::None => planes,
            Turn::Right => planes.transposed().mirrored(),
            Turn::Half => planes.reversed(),
            Turn::Left => planes.mirrored().transposed(),
        }
    }

    /// The place in the square as it was of a point in the turned square. Both are fractions of the
    /// side.
    pub(crate) fn back(self, Point { x, y }: Point) -> Point {
        match self {
            Turn::None => Point { x, y },
            Turn::Right => Point { x: y, y: 1.0 - x },
            Turn::Half => Point { x: 1.0 - x, y: 1.0 - y },
            Turn::Left => Point { x: 1.0 - y, y: x },
        }
    }

    /// The place in the turned square of a point in the square as it was, the inverse of
    /// [`Turn::back`].
    pub(crate) fn forth(self, Point { x, y }: Point) -> Point {
        match self {
            Turn::None => Point { x, y },
            Turn::Right => Point { x: 1.0 - y, y: x },
            Turn::Half => Point { x: 1.0 - x, y: 1.0 - y },
            Turn::Left => Point { x: y, y: 1.0 - x },
        }
    }

    /// Width and height in the square as it was of a box in the turned square.
    pub(crate) fn size_back(self, width: f32, height: f32) -> (f32, f32) {
        match self {
            Turn::None | Turn::Half => (width, height),
            Turn::Right | Turn::Left => (height, width),
        }
    }

    /// The tilt that is left after the turn, -180 to 180 degrees, of a line with this tilt before
    /// it.
    pub(crate) fn tilt(self, before: f32) -> f32 {
        let turned = match self {
            Turn::None => before,
            Turn::Right => before + 90.0,
            Turn::Half => before + 180.0,
            Turn::Left => before - 90.0,
        };
        (turned + 180.0).rem_euclid(360.0) - 180.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Planes with one bright pixel.
    fn dot(x: usize, y: usize) -> Planes {
        let mut planes = Planes::black(4);
        planes.put(x, y, [9.0; 3]);
        planes
    }

    #[test]
    fn a_turned_pixel_is_found_where_it_was() {
        let centre = |x: f32, y: f32| Point { x: (x + 0.5) / 4.0, y: (y + 0.5) / 4.0 };
        let turned = [
            (Turn::None, (3, 1), centre(3.0, 1.0)),
            (Turn::Right, (2, 3), centre(2.0, 3.0)),
            (Turn::Half, (0, 2), centre(0.0, 2.0)),
            (Turn::Left, (1, 0), centre(1.0, 0.0)),
        ];
        for (turn, (x, y), place) in turned {
            assert_eq!(turn.turned(dot(3, 1)), dot(x, y), "{turn:?}");
            assert_eq!(turn.back(place), centre(3.0, 1.0), "{turn:?}");
            assert_eq!(turn.forth(turn.back(place)), place, "{turn:?}");
        }
    }

    #[test]
    fn the_tilt_of_an_upright_face_is_zero_after_its_turn() {
        for (turn, before) in
            [(Turn::None, 0.0), (Turn::Right, -90.0), (Turn::Half, 180.0), (Turn::Left, 90.0)]
        {
            assert!(turn.tilt(before).abs() < 1e-4, "{turn:?}");
            assert!((turn.tilt(before + 10.0) - 10.0).abs() < 1e-4, "{turn:?}");
        }
    }
}
