//! What is known of a command before anybody looks into it.

use fourauth_protocol::request_id::RequestId;
use fourauth_timekeeper::Reading;
use std::net::IpAddr;

/// When, from where and under which name a command arrived.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Its name in the answer, the log and the audit row.
    pub id: RequestId,
    /// The time at which its last byte arrived. One-time codes are judged at this instant, so that
    /// no right code ages in a queue.
    pub at: Reading,
    /// Where it came from.
    pub peer: IpAddr,
}
