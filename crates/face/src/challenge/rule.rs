//! Whether the frames of an answer do what the challenge asked for, and show one person throughout.

use super::{
    frame::Frame,
    steps::{FRAMES_PER_STEP, Step, Steps},
};

/// Lower bound of a turn, as a change of the yaw. About 23°.
const TURN: f32 = 0.25;

/// Lower bound of the parallax of the tip of the nose in a turn.
const DEPTH: f32 = 0.25;

/// Upper bound of the growth of the face in a turn. Faces that are turned by 25° to 35° grow by 1.07 to
/// 1.3; of prints that pass as turned otherwise, half grow by more than 1.4.
const STRETCH: f32 = 1.35;

/// Lower bound of the change of an opened mouth.
const OPEN: f32 = 0.35;

/// Upper bound of a change of the yaw while the mouth opens: a sheet that is turned can change the
/// shape of a mouth.
const STILL: f32 = 0.15;

/// A frame with less yaw than this is one that the anti-spoofing network was trained on.
const NEAR_FRONTAL: f32 = 0.15;

/// Two frames with embeddings nearer than this are the same frame. Two frames of a camera differ by
/// its noise.
const SAME_FRAME: f32 = 1e-3;

/// The answer to a challenge.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The face at rest.
    pub neutral: Frame,
    /// The frames of the steps, two for each, in order. `None` for a frame without a usable face.
    pub others: Vec<Option<Seen>>,
}

/// A frame, and its distance from the template.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The frame.
    pub frame: Frame,
    /// Euclidean distance from the template; `None` if the two cannot be compared.
    pub distance: Option<f32>,
}

/// What the frames are held to. The caller compares the neutral frame with the template as it does any
/// picture at login.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Largest distance of a frame from the template.
    pub template: f32,
    /// Largest distance of two frames from each other.
    pub pair: f32,
    /// Lower bound of the live score of frames from the front. `None` to ignore the scores.
    pub live: Option<f32>,
}

/// Why an answer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// Not one neutral frame and two for each step.
    #[error("wrong number of frames")]
    Count,
    /// One frame was sent twice.
    #[error("a frame was repeated")]
    Repeated,
    /// The face at rest is a print or a screen.
    #[error("not live")]
    NotLive,
    /// A frame does not show the person of the template, or two frames show two persons.
    #[error("several persons")]
    Persons,
    /// No frame of this step does what it asks for. The first step is 1.
    #[error("step {0}")]
    Step(u8),
}

impl Answer {
    /// Judges the answer to `steps`.
    ///
    /// # Errors
    ///
    /// The first [`Failure`], in the order of its variants.
    pub fn judge(&self, steps: Steps, bounds: Bounds) -> Result<(), Failure> {
        let steps = steps.to_vec();
        if self.others.len() != FRAMES_PER_STEP * steps.len() {
            return Err(Failure::Count);
        }
        if self.pairs().any(|(one, other)| one.embedding.distance(&other.embedding) < SAME_FRAME) {
            return Err(Failure::Repeated);
        }
        if !bounds.is_live(&self.neutral) {
            return Err(Failure::NotLive);
        }
        // A distance that is not a number is within no bound.
        let is_known = |seen: &Seen| seen.distance.is_some_and(|it| it <= bounds.template);
        let agree = |(one, other): (&Frame, &Frame)| {
            one.embedding.distance(&other.embedding) <= bounds.pair
        };
        if !self.others.iter().flatten().all(is_known) || !self.pairs().all(agree) {
            return Err(Failure::Persons);
        }
        let frames = self.others.chunks_exact(FRAMES_PER_STEP);
        for (number, (step, frames)) in (1..).zip(steps.into_iter().zip(frames)) {
            let does = |seen: &Seen| obeys(step, &self.neutral, &seen.frame, bounds);
            if !frames.iter().flatten().any(does) {
                return Err(Failure::Step(number));
            }
        }
        Ok(())
    }

    /// Every two frames that have a usable face.
    fn pairs(&self) -> impl Iterator<Item = (&Frame, &Frame)> {
        let frames: Vec<&Frame> = [&self.neutral]
            .into_iter()
            .chain(self.others.iter().flatten().map(|seen| &seen.frame))
            .collect();
        (0..frames.len()).flat_map(move |at| {
            let (one, others) = (frames[at], frames[at + 1..].to_vec());
            others.into_iter().map(move |other| (one, other))
        })
    }
}

impl Bounds {
    /// True if the score is above the bound, or if no bound is set.
    fn is_live(self, frame: &Frame) -> bool {
        match (self.live, frame.live) {
            (Some(bound), Some(score)) => score > bound,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

/// True if a frame does what the step asks for. If it shows the face from the front, it must be live
/// as well.
fn obeys(step: Step, neutral: &Frame, frame: &Frame, bounds: Bounds) -> bool {
    let (before, now) = (neutral.pose(), frame.pose());
    let turned = now.yaw - before.yaw;
    let is_turn = |towards: f32| {
        towards >= TURN && frame.parallax(neutral) >= DEPTH && frame.stretch(neutral) <= STRETCH
    };
    let does = match step {
        Step::Left => is_turn(turned),
        Step::Right => is_turn(-turned),
        Step::Mouth => now.mouth - before.mouth >= OPEN && turned.abs() < STILL,
    };
    does && (now.yaw.abs() >= NEAR_FRONTAL || bounds.is_live(frame))
}
