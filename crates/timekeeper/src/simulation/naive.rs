//! Clocks that believe what they are told: the control that the figures are compared with.
//!
//! 4Auth asked one server when a client came, and took the system clock if it got no answer.

use crate::sample::{Round, Sample};
use fourauth_protocol::time::UnixMillis;

/// The first answer of a round, whoever gave it.
pub(super) fn first_answer(round: &Round, wall: UnixMillis) -> UnixMillis {
    round.iter().flatten().next().map_or(wall, |sample| sample.utc)
}

/// The mean of all answers, which a second opinion is often taken for.
pub(super) fn mean(round: &Round, wall: UnixMillis) -> UnixMillis {
    let answers: Vec<&Sample> = round.iter().flatten().collect();
    let ahead: i64 = answers.iter().map(|sample| sample.utc.millis_since(wall)).sum();
    match i64::try_from(answers.len()) {
        Ok(0) | Err(_) => wall,
        Ok(count) => wall.saturating_add_ms(ahead / count),
    }
}
