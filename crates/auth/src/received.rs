//! What is known of a command before anybody looks into it.

use crate::{device::Claim, limits::Limited, source::Source};
use fourauth_protocol::{mac_address::MacAddress, request_id::RequestId};
use fourauth_store::Place;
use fourauth_timekeeper::Reading;
use std::net::IpAddr;

/// When, from where, from which device and under which name a command arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its name in the answer, the log and the audit row.
    pub id: RequestId,
    /// The time at which its last byte arrived. One-time codes are judged at this instant, so that
    /// no right code ages in a queue.
    pub at: Reading,
    /// Where it came from.
    pub peer: IpAddr,
    /// Whether that address identifies no one: a gateway or balancer that many people speak through
    /// (`limits.shared_addresses`).
    pub is_shared_address: bool,
    /// What its device was claimed to be earlier on the connection.
    pub device: Option<Claim>,
    /// For how many milliseconds its source has to stay away, if it has to. Devices that prove
    /// themselves are heard all the same.
    pub penalty_ms: Option<u64>,
}

impl Received {
    /// Where it came from, as far as limits tell places apart.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::from(self.peer)
    }

    /// What keeps it from being looked at.
    pub(crate) fn limited(&self) -> Option<Limited> {
        self.penalty_ms.map(Limited::Wait)
    }

    /// Where a device that calls itself `mac` speaks from; `None` if its address tells nothing.
    #[must_use]
    pub fn place(&self, mac: Option<MacAddress>) -> Option<Place> {
        (!self.is_shared_address).then(|| Place::new(mac, &self.source().to_string()))
    }
}
