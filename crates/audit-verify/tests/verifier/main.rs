//! The verifier on unchanged, changed and hostile logs.

#![expect(clippy::unwrap_used, reason = "a failed fixture is a failed test")]

mod changed;
mod clean;
mod command;
mod fixture;
mod foreign;
mod hidden;
mod hostile;
