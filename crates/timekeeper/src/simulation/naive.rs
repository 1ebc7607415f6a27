//! Naive clocks, as a control for the figures.
//!
//! 4Auth queried one server for each client, and used the system clock if it got no answer.

use crate::sample::{Round, Sample};
use fourauth_protocol::time::UnixMillis;

/// The first answer of a round.
pub(super) fn first_answer(round: &Round, wall: UnixMillis) -> UnixMillis {
    round.iter().flatten().next().map_or(wall, |sample| sample.utc)
}

/// The mean of all answers.
pub(super) fn mean(round: &Round, wall: UnixMillis) -> UnixMillis {
    let answers: Vec<&Sample> = round.iter().flatten().collect();
    let ahead: i64 = answers.iter().map(|sample| sample.utc.millis_since(wall)).sum();
    match i64::try_from(answers.len()) {
        Ok(0) | Err(_) => wall,
        Ok(count) => wall.saturating_add_ms(ahead / count),
    }
}
