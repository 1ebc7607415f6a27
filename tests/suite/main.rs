//! Tests of the system, one module per area.

#![expect(clippy::unwrap_used, reason = "a failing fixture fails the test")]

mod audit_verify;
mod backup;
mod bearer;
mod checked_in;
mod connections;
mod courier;
mod devices;
mod docs;
mod doors;
mod equal_work;
mod erasure;
mod evidence;
mod examples;
mod faces;
mod fairness;
mod gateway;
mod golden;
mod hostile;
mod import;
mod in_flight;
mod key_rotation;
mod language;
mod lifecycle;
mod limits;
mod login;
mod nonces;
mod penalties;
mod proxies;
mod public_api;
mod publish;
mod python;
mod python_wheel;
mod races;
mod receipts;
mod recover;
mod register;
mod room;
mod schema;
mod secrets;
mod sessions;
mod settings;
mod store;
mod time;
mod way_back;
