//! What the system must do, one module for each part of it.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

mod equal_work;
mod hostile;
mod lifecycle;
mod login;
mod python;
mod races;
mod recover;
mod register;
mod secrets;
mod store;
