//! The client against a TLS server on this machine: whom it believes, what it makes of bad answers.

#![expect(clippy::unwrap_used, reason = "fixtures of tests panic like the tests they serve")]

mod answers;
mod device;
mod server;
mod trust;
