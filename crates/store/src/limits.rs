//! Counters of the limits: failed attempts for each account and lane, and refusals.

pub(crate) mod failures;
pub(crate) mod lane;
pub(crate) mod refusal;
pub(crate) mod refusal_counter;
pub(crate) mod refusals;
