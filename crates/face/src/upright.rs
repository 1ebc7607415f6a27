//! The places of a face's points with its tilt removed, in distances between the eyes.

use crate::geometry::Point;

/// The middle of the eyes and the direction of the line through them.
pub(crate) struct Upright {
    middle: Point,
    /// A step to the person's left, of one distance between the eyes.
    along: Point,
    /// The square of that distance, in pixels; at least 1, so that eyes at one point have places too.
    square: f32,
}

impl Upright {
    pub(crate) fn of(right_eye: Point, left_eye: Point) -> Upright {
        let along = Point { x: left_eye.x - right_eye.x, y: left_eye.y - right_eye.y };
        let square = (along.x * along.x + along.y * along.y).max(1.0);
        Upright { middle: Point::mean(&[right_eye, left_eye]), along, square }
    }

    /// The distance between the eyes, in pixels.
    pub(crate) fn between(&self) -> f32 {
        self.square.sqrt()
    }

    /// The place of a point with the middle of the eyes at the origin and the eyes on the x axis, in
    /// distances between the eyes.
    pub(crate) fn place(&self, point: Point) -> Point {
        let (x, y) = (point.x - self.middle.x, point.y - self.middle.y);
        let Point { x: ax, y: ay } = self.along;
        Point { x: (x * ax + y * ay) / self.square, y: (y * ax - x * ay) / self.square }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilted_face_has_the_places_of_an_upright_one() {
        let turned =
            |x: f32, y: f32| Point { x: 50.0 + 0.6 * x - 0.8 * y, y: 70.0 + 0.8 * x + 0.6 * y };
        let upright = Upright::of(turned(-20.0, 0.0), turned(20.0, 0.0));
        let place = upright.place(turned(10.0, 30.0));
        assert!((place.x - 0.25).abs() < 1e-5 && (place.y - 0.75).abs() < 1e-5, "{place:?}");
        assert!((upright.between() - 40.0).abs() < 1e-4);
    }

    #[test]
    fn eyes_at_one_point_give_finite_places() {
        let eye = Point { x: 3.0, y: 4.0 };
        let place = Upright::of(eye, eye).place(Point { x: 9.0, y: 9.0 });
        assert!(place.x.is_finite() && place.y.is_finite(), "{place:?}");
    }
}
