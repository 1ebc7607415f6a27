//! The program `fourauthd`: it serves, and it administers a server on the machine itself.
//!
//! A user that may read the data folder may run every command; no command asks for a secret as
//! proof.
//! A command that changes an account writes an audit row in the transaction of the change.
//!
//! This crate is a library so that the tests can run the commands.

#[macro_use]
mod screen;

pub mod backup;
pub mod command;
mod first_keys;
mod foreign;
pub mod import_4auth;
pub mod import_otp;
pub mod import_passcodes;
pub mod imported;
pub mod invocation;
pub mod local_store;
pub mod output;
pub mod owner;
mod scratch;
mod step_limit;
pub mod table;
pub mod web;
