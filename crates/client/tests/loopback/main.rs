//! The client against a TLS server on this machine: trust, answers and device proofs.

#![expect(clippy::unwrap_used, reason = "fixtures of tests panic like the tests they serve")]

mod answers;
mod device;
mod server;
mod trust;
