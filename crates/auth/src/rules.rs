//! The rules of who is who, who is counted together, who is trusted and what counts.
//!
//! Each rule is a function of values: it reads no database and no clock, and its test is a table.
//! What limits allow is in [`crate::limits`], what factors show in [`crate::decision`].

pub(crate) mod allowance;
pub(crate) mod identification;
pub(crate) mod lane;
pub(crate) mod settling;
pub(crate) mod tally;
pub(crate) mod trust;
