//! Points, boxes and the similarity transforms that map a face to its template.

use std::ops::Range;

/// A position in a picture, in pixels from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Point {
    pub(crate) fn distance(self, other: Point) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The angle from the x axis of the line to another point, in degrees; y points down.
    pub(crate) fn slope_to(self, other: Point) -> f32 {
        (other.y - self.y).atan2(other.x - self.x).to_degrees()
    }

    /// The centroid of the points; the origin if `points` is empty.
    pub(crate) fn mean(points: &[Point]) -> Point {
        let count = points.iter().fold(0.0, |count, _| count + 1.0_f32).max(1.0);
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.x, sum.1 + point.y));
        Point { x: sum.0 / count, y: sum.1 / count }
    }
}

/// An upright box, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

impl Frame {
    /// The box of this size with this centre.
    pub(crate) fn around(centre: Point, width: f32, height: f32) -> Frame {
        let (x, y) = (width / 2.0, height / 2.0);
        Frame { left: centre.x - x, top: centre.y - y, right: centre.x + x, bottom: centre.y + y }
    }

    /// The smallest box with all these points.
    pub(crate) fn of(points: impl Iterator<Item = Point>) -> Frame {
        let empty = Frame {
            left: f32::INFINITY,
            top: f32::INFINITY,
            right: f32::NEG_INFINITY,
            bottom: f32::NEG_INFINITY,
        };
        points.fold(empty, |frame, Point { x, y }| Frame {
            left: frame.left.min(x),
            top: frame.top.min(y),
            right: frame.right.max(x),
            bottom: frame.bottom.max(y),
        })
    }

    /// The box moved right and down.
    pub(crate) fn moved(self, x: f32, y: f32) -> Frame {
        Frame {
            left: self.left + x,
            top: self.top + y,
            right: self.right + x,
            bottom: self.bottom + y,
        }
    }

    /// Columns and rows of the square with the same centre and `factor` times the longer side,
    /// rounded down as in face-api (`Box.floor`).
    pub(crate) fn square(self, factor: f32) -> (Range<isize>, Range<isize>) {
        let side = self.width().max(self.height()) * factor;
        let square = Frame::around(self.centre(), side, side);
        let (left, top) = (floor(square.left), floor(square.top));
        let (width, height) = (floor(square.width()), floor(square.height()));
        (left..left.saturating_add(width), top..top.saturating_add(height))
    }

    pub(crate) fn width(self) -> f32 {
        self.right - self.left
    }

    pub(crate) fn height(self) -> f32 {
        self.bottom - self.top
    }

    pub(crate) fn area(self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    pub(crate) fn centre(self) -> Point {
        Point { x: f32::midpoint(self.left, self.right), y: f32::midpoint(self.top, self.bottom) }
    }

    /// Intersection over union.
    pub(crate) fn overlap(self, other: Frame) -> f32 {
        let shared = Frame {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        shared.area() / (self.area() + other.area() - shared.area())
    }
}

/// A rotation, scale and shift, without reflection: `x' = ax - by + tx`, `y' = bx + ay + ty`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Similarity {
    a: f32,
    b: f32,
    shift: Point,
}

impl Similarity {
    /// The transform that maps `from` to `to`, point by point, with the least squared error.
    ///
    /// This is Umeyama's problem (IEEE PAMI 13(4), 1991) in the plane and without reflections,
    /// which has a closed form. `None` if the points are all in one place or not finite.
    pub(crate) fn fit(from: &[Point], to: &[Point]) -> Option<Similarity> {
        let (from_mean, to_mean) = (Point::mean(from), Point::mean(to));
        let (mut spread, mut along, mut across) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (from, to) in from.iter().zip(to) {
            let (sx, sy) = (f64::from(from.x - from_mean.x), f64::from(from.y - from_mean.y));
            let (dx, dy) = (f64::from(to.x - to_mean.x), f64::from(to.y - to_mean.y));
            spread += sx * sx + sy * sy;
            along += sx * dx + sy * dy;
            across += sx * dy - sy * dx;
        }
        let (a, b) = (narrow(along / spread), narrow(across / spread));
        let shift = Point {
            x: to_mean.x - a * from_mean.x + b * from_mean.y,
            y: to_mean.y - b * from_mean.x - a * from_mean.y,
        };
        let usable = a.hypot(b) > f32::EPSILON && shift.x.is_finite() && shift.y.is_finite();
        usable.then_some(Similarity { a, b, shift })
    }

    /// The inverse transform.
    pub(crate) fn inverse(self) -> Similarity {
        let scale = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / scale, -self.b / scale);
        let shift = Point {
            x: -a * self.shift.x + b * self.shift.y,
            y: -b * self.shift.x - a * self.shift.y,
        };
        Similarity { a, b, shift }
    }

    pub(crate) fn apply(self, point: Point) -> Point {
        Point {
            x: self.a * point.x - self.b * point.y + self.shift.x,
            y: self.b * point.x + self.a * point.y + self.shift.y,
        }
    }
}

/// Converts a number of pixels, at most a few thousand.
pub(crate) fn length(pixels: usize) -> f32 {
    u16::try_from(pixels).map_or(f32::from(u16::MAX), f32::from)
}

#[expect(clippy::cast_possible_truncation, reason = "an f32 is precise enough for pixels")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates; values far outside are clipped to the picture"
)]
fn floor(value: f32) -> isize {
    value.floor() as isize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Point> {
        (0.0_f32..1000.0, 0.0_f32..1000.0).prop_map(|(x, y)| Point { x, y })
    }

    proptest! {
        #[test]
        fn a_similarity_is_recovered_from_the_points_it_moved(
            a in 0.2_f32..3.0, b in -3.0_f32..3.0, shift in point(), mut points in proptest::collection::vec(point(), 1..8)
        ) {
            points.push(Point { x: -500.0, y: 0.0 });
            let moved = Similarity { a, b, shift };
            let images: Vec<Point> = points.iter().map(|&point| moved.apply(point)).collect();
            let found = Similarity::fit(&points, &images).unwrap();
            for (&point, &image) in points.iter().zip(&images) {
                prop_assert!(found.apply(point).distance(image) < 0.05);
                prop_assert!(found.inverse().apply(image).distance(point) < 0.3);
            }
        }
    }

    #[test]
    fn coincident_points_fit_no_similarity() {
        let here = [Point { x: 3.0, y: 4.0 }; 5];
        assert_eq!(Similarity::fit(&here, &here), None);
    }

    #[test]
    fn overlap_is_one_for_equal_boxes_and_zero_for_distant_ones() {
        let frame = Frame { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
        let far = Frame { left: 20.0, right: 30.0, ..frame };
        assert!((frame.overlap(frame) - 1.0).abs() < 1e-6);
        assert!(frame.overlap(far) < 1e-6);
    }
}
