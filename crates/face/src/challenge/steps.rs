//! What a challenge asks for: two or three steps, no step twice in a row.

use std::fmt;

/// Frames that are taken for each step.
pub const FRAMES_PER_STEP: usize = 2;

/// Frames of the longest challenge: a neutral one, and those of three steps.
pub const MAX_FRAMES: usize = 1 + 3 * FRAMES_PER_STEP;

/// One thing to do before the camera. Left and right are the person's own.
///
/// A picture shows the person from the front, so a head that is turned to its own left has its nose on
/// the right of the picture. The frames must not be mirrored; a preview may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Turn the head to the left.
    Left,
    /// Turn the head to the right.
    Right,
    /// Open the mouth and hold the head still.
    Mouth,
}

/// The steps of one challenge, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Steps {
    number: u8,
}

/// The steps in the order in which they are numbered.
const ALL: [Step; 3] = [Step::Left, Step::Right, Step::Mouth];

/// Sequences of two steps: three first ones, each with two that may follow.
const PAIRS: u8 = 6;

impl Step {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Step::Left => "left",
            Step::Right => "right",
            Step::Mouth => "mouth",
        }
    }

    /// One of the two other steps.
    const fn other(self, second: bool) -> Step {
        match (self, second) {
            (Step::Left, false) | (Step::Mouth, true) => Step::Right,
            (Step::Left, true) | (Step::Right, false) => Step::Mouth,
            (Step::Right, true) | (Step::Mouth, false) => Step::Left,
        }
    }
}

impl Steps {
    /// Number of different challenges: six of two steps and twelve of three.
    pub const COUNT: u8 = PAIRS + 2 * PAIRS;

    /// Draws steps with four random bytes. Each challenge is equally likely, up to one part in 10⁸.
    #[must_use]
    pub fn draw(random: [u8; 4]) -> Steps {
        let number = u32::from_be_bytes(random) % u32::from(Self::COUNT);
        Steps { number: u8::try_from(number).unwrap_or_default() }
    }

    /// The challenge with this number; `None` from [`Steps::COUNT`] on.
    #[must_use]
    pub const fn numbered(number: u8) -> Option<Steps> {
        if number < Self::COUNT { Some(Steps { number }) } else { None }
    }

    /// The number of the challenge, below [`Steps::COUNT`].
    #[must_use]
    pub const fn number(self) -> u8 {
        self.number
    }

    /// The steps, two or three.
    #[must_use]
    pub fn to_vec(self) -> Vec<Step> {
        let (pair, third) = match self.number.checked_sub(PAIRS) {
            None => (self.number, None),
            Some(number) => (number / 2, Some(number % 2 == 1)),
        };
        let first = ALL[usize::from(pair / 2)];
        let second = first.other(pair % 2 == 1);
        [Some(first), Some(second), third.map(|third| second.other(third))]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Number of frames that answer the challenge: a neutral one, and two for each step.
    #[must_use]
    pub fn frames(self) -> usize {
        1 + FRAMES_PER_STEP * self.to_vec().len()
    }
}

/// As in audit rows: `left,mouth`.
impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.to_vec().into_iter().map(Step::word).collect();
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn every() -> impl Iterator<Item = Steps> {
        (0..Steps::COUNT).filter_map(Steps::numbered)
    }

    #[test]
    fn no_step_comes_twice_in_a_row() {
        for steps in every() {
            let list = steps.to_vec();
            assert!((2..=3).contains(&list.len()), "{steps}");
            assert!(list.windows(2).all(|pair| pair[0] != pair[1]), "{steps}");
        }
    }

    #[test]
    fn every_order_of_two_and_three_steps_can_be_drawn() {
        let words: BTreeSet<String> = every().map(|steps| steps.to_string()).collect();
        assert_eq!(words.len(), usize::from(Steps::COUNT));
        let drawn: BTreeSet<u8> =
            (0..100_u32).map(|random| Steps::draw(random.to_be_bytes()).number()).collect();
        assert_eq!(drawn.len(), usize::from(Steps::COUNT));
    }

    #[test]
    fn a_number_beyond_the_last_challenge_names_none() {
        assert_eq!(Steps::numbered(Steps::COUNT), None);
        assert_eq!(Steps::numbered(u8::MAX), None);
    }

    #[test]
    fn each_step_takes_two_frames_and_the_face_at_rest_one() {
        assert!(every().all(|steps| steps.frames() == 1 + 2 * steps.to_vec().len()));
        assert_eq!(every().map(Steps::frames).max(), Some(MAX_FRAMES));
    }
}
