//! Counters of the limits: failed attempts for each account and lane, refusals, and the
//! pace of commands that anybody may send.

pub(crate) mod failures;
pub(crate) mod lane;
pub(crate) mod pace;
pub(crate) mod refusal;
pub(crate) mod refusal_counter;
pub(crate) mod refusals;
