//! Logs that are as they should be, and logs that somebody has had their hands on.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

mod changed;
mod clean;
mod command;
mod fixture;
mod hidden;
mod hostile;
