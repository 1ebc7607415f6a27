//! Passive liveness: a score for each picture that tells a face from a print or a screen.
//!
//! Each network sees a square part of the picture around the face, much larger than the face, because
//! the edges of a print or screen tell as much as its pixels. It does not see video that is injected
//! into the camera's stream. docs/FACE.md has what was measured.

use crate::{
    geometry::{Frame, Point, length},
    locate::Located,
    manifest, patterns,
    picture::{Picture, Planes},
    refusal::Refusal,
    resample,
    runtime::{Net, NetError, Runtime, Shape},
    turn::Turn,
};
use std::ops::Range;

#[cfg(test)]
mod reference;

/// The networks of a pack that score liveness.
#[derive(Debug)]
pub(crate) struct Liveness(Vec<Scorer>);

#[derive(Debug)]
struct Scorer {
    net: Net,
    described: manifest::LivenessNetwork,
}

/// The shape of a network for this many classes.
pub(crate) fn shape(side: usize, classes: usize) -> Shape {
    Shape::colours(side, vec![classes])
}

impl Liveness {
    /// Loads a network and gives it the part that `described` says.
    pub(crate) fn load<'pack>(
        runtime: &Runtime,
        networks: impl Iterator<Item = (&'pack manifest::LivenessNetwork, &'pack Vec<u8>)>,
    ) -> Result<Liveness, (&'pack manifest::File, NetError)> {
        let loaded = networks.map(|(described, onnx)| {
            let shape = shape(described.side.into(), described.classes.into());
            let net = Net::load(runtime, onnx, shape).and_then(seeing);
            let net = net.map_err(|error| (&described.file, error))?;
            Ok(Scorer { net, described: described.clone() })
        });
        loaded.collect::<Result<_, _>>().map(Liveness)
    }

    /// The score of a face, 0 to 1; higher is more likely live. It is the mean over the networks.
    ///
    /// # Errors
    ///
    /// [`Refusal::CutOff`] if the face is outside the picture, [`Refusal::Unexamined`] if a network
    /// fails.
    pub(crate) fn score(&self, picture: &Picture, located: &Located) -> Result<f32, Refusal> {
        let mut sum = 0.0;
        let mut count = 0.0_f32;
        for scorer in &self.0 {
            sum += scorer.score(picture, located)?;
            count += 1.0;
        }
        Ok(sum / count.max(1.0))
    }
}

/// The network, unless it gives the same output for different pictures. Which of its classes is the
/// live one cannot be told without pictures of faces.
fn seeing(net: Net) -> Result<Net, NetError> {
    let outputs = patterns::all(net.side()).map(|pattern| net.run(pattern.values()));
    let [one, other, third] = outputs;
    let (one, other, third) = (one?, other?, third?);
    if one == other && other == third {
        return Err(NetError::new("it gives the same scores for different test patterns"));
    }
    Ok(net)
}

impl Scorer {
    fn score(&self, picture: &Picture, located: &Located) -> Result<f32, Refusal> {
        let manifest::LivenessNetwork { scale, channels, live_class, .. } = self.described;
        let planes = crop(picture, located, scale, self.net.side()).ok_or(Refusal::CutOff)?;
        let input = planes.prepared(channels, [0.0; 3], 1.0);
        let outputs = self.net.run(input.values()).map_err(|_| Refusal::Unexamined)?;
        softmax(&outputs[0]).nth(live_class.into()).ok_or(Refusal::Unexamined)
    }
}

fn softmax(values: &[f32]) -> impl Iterator<Item = f32> {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = values.iter().map(|value| (value - largest).exp()).sum();
    values.iter().map(move |value| (value - largest).exp() / sum)
}

/// The part of the picture around a face, upright and resampled to a square. `None` if the face is
/// outside the picture.
fn crop(picture: &Picture, located: &Located, scale: f32, side: usize) -> Option<Planes> {
    let turn = located.face.turn;
    let (width, height) = (length(picture.width()), length(picture.height()));
    let upright = Upright { turn, size: turn.size_back(width, height) };
    let part = widened(upright.face_box(located, (width, height)), upright.size, scale);
    let (columns, rows) = upright.back(part, (width, height));
    let planes = resample::stretched(
        picture,
        inside(columns, picture.width())?,
        inside(rows, picture.height())?,
        side,
    );
    Some(turn.turned(planes))
}

/// A picture after the turn that makes the face upright.
struct Upright {
    turn: Turn,
    /// Width and height after the turn, in pixels.
    size: (f32, f32),
}

impl Upright {
    /// The box from hair line to chin, or the detector's if the 68 landmarks are not known, in pixels
    /// of the upright picture. `size` is that of the picture as it lies.
    fn face_box(&self, located: &Located, size: (f32, f32)) -> Frame {
        let place = |point: Point| self.forth(point, size);
        let Some(points) = located.landmarks.all() else {
            let frame = located.face.frame;
            let corners = [(frame.left, frame.top), (frame.right, frame.bottom)];
            return Frame::of(corners.map(|(x, y)| place(Point { x, y })).into_iter());
        };
        let jaw = Frame::of(points.part(0..17).iter().copied().map(place));
        let brows = Frame::of(points.part(17..27).iter().copied().map(place));
        let top = brows.top - FOREHEAD * (jaw.bottom - brows.top);
        Frame { top, ..jaw }
    }

    fn forth(&self, point: Point, (width, height): (f32, f32)) -> Point {
        let turned = self.turn.forth(Point { x: point.x / width, y: point.y / height });
        Point { x: turned.x * self.size.0, y: turned.y * self.size.1 }
    }

    /// Whole columns and rows of the picture as it lies.
    fn back(&self, part: Frame, (width, height): (f32, f32)) -> (Range<f32>, Range<f32>) {
        let corners = [(part.left, part.top), (part.right, part.bottom)];
        let lying = Frame::of(corners.into_iter().map(|(x, y)| {
            let point = self.turn.back(Point { x: x / self.size.0, y: y / self.size.1 });
            Point { x: point.x * width, y: point.y * height }
        }));
        (lying.left..lying.right, lying.top..lying.bottom)
    }
}

/// How far the hair line is above the brows, as a fraction of the distance from brows to chin.
const FOREHEAD: f32 = 0.28;

/// The box enlarged about its centre, at most to the picture, and moved into the picture.
fn widened(face: Frame, (width, height): (f32, f32), scale: f32) -> Frame {
    let scale = ((height - 1.0) / face.height()).min((width - 1.0) / face.width()).min(scale);
    let mut part = Frame::around(face.centre(), face.width() * scale, face.height() * scale);
    part = part.moved((-part.left).max(0.0), (-part.top).max(0.0));
    let beyond = (part.right - (width - 1.0), part.bottom - (height - 1.0));
    part.moved(-beyond.0.max(0.0), -beyond.1.max(0.0))
}

/// Whole pixels of a side of the picture, both ends included.
fn inside(Range { start, end }: Range<f32>, side: usize) -> Option<Range<usize>> {
    let range = whole(start)..whole(end).saturating_add(1).min(side);
    (range.start + 2 <= range.end).then_some(range)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and a negative place is the edge of the picture"
)]
fn whole(value: f32) -> usize {
    value as usize
}
