//! What the system must do, one module for each part of it.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

mod checked_in;
mod devices;
mod docs;
mod equal_work;
mod golden;
mod hostile;
mod lifecycle;
mod limits;
mod login;
mod penalties;
mod python;
mod races;
mod recover;
mod register;
mod schema;
mod secrets;
mod store;
mod time;
mod way_back;
