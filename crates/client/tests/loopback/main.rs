//! The client against a TLS server on this machine: trust, answers, device proofs, reconnection and
//! failover; and over other streams.

#![expect(clippy::unwrap_used, reason = "fixtures of tests panic like the tests they serve")]

mod answers;
#[cfg(feature = "blocking")]
mod blocking;
mod device;
mod reconnect;
mod retries;
mod server;
mod transport;
mod trust;
