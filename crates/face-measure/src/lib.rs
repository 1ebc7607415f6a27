//! Measures a model pack on an operator's own pictures of people: how many strangers it accepts and how
//! many owners it refuses, by the rules of a login, with 95 % intervals.
//!
//! No picture is changed and nothing is learnt: a [`Report`] has numbers and names of files. This
//! crate does not change a pack; it proposes thresholds, and a person copies them.
//!
//! The steps: [`Gallery::of`] lists the files, [`examine`](Examination::of) runs the networks once on
//! each of them, [`Report::of`] compares every person with every other one.

mod cache;
mod compare;
mod enrolment;
mod examine;
mod export;
mod fingerprint;
mod gallery;
mod genuine;
mod interval;
mod levels;
mod live_proposal;
mod liveness;
mod people;
mod proposal;
mod rate;
mod report;
mod rules;
mod sets;
mod strangers;
#[cfg(test)]
mod testing;
mod times;
mod worst;

pub use cache::{Cache, CacheError};
pub use compare::Pictures;
pub use enrolment::Enrolments;
pub use examine::{Examination, Examined, Face, Outcome, Progress, Tools};
pub use export::export;
pub use fingerprint::fingerprint;
pub use gallery::{Gallery, GalleryError};
pub use interval::Interval;
pub use live_proposal::LiveProposal;
pub use liveness::{Liveness, Prints, Scored, Step};
pub use people::Files;
pub use proposal::{Proposal, Threshold};
pub use rate::Rate;
pub use report::{Comparisons, Faces, Measured, Report};
pub use times::Times;
pub use worst::Pair;

/// A count as a real number. Counts here stay far below 2^53, where they would lose digits.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A number of things in memory as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
