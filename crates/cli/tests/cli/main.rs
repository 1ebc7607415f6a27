//! Command lines against a TLS server on this machine, with answers from the test.

#![expect(clippy::unwrap_used, reason = "fixtures of tests panic like the tests they serve")]

mod desk;
mod device;
mod exits;
mod menu;
mod receipts;
mod recovery;
mod requests;
mod resets;
mod server;
mod sessions;
mod tokens;
