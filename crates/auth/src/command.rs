//! The commands: one method of [`crate::authenticator::Authenticator`] each.
//!
//! Read `command/login.rs` first, then `command/proof.rs`. The other commands are variations.

mod admin;
mod audit_log;
mod confirm;
mod devices;
mod gateway;
mod login;
mod proof;
mod recover;
mod register;
