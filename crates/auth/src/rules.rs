//! The rules for identification, counting and trust.
//!
//! Each rule is a pure function: it reads no database and no clock, and its test is a table. Rate
//! limits are in [`crate::limits`], the decision about factors is in [`crate::decision`].

pub(crate) mod device_request;
pub(crate) mod identification;
pub(crate) mod lane;
pub(crate) mod pace;
pub(crate) mod passcode;
pub(crate) mod reset;
pub(crate) mod settling;
pub(crate) mod tally;
pub(crate) mod trust;
