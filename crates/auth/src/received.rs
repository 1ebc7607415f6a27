//! The facts about a command that are known before it is examined.

use crate::{device::Claim, limits::Limited, origin::Origin, policy::Door, source::Source};
use fourauth_protocol::{device::EXPORTER_BYTES, mac_address::MacAddress, request_id::RequestId};
use fourauth_store::{GrantHolder, LoginLocation};
use fourauth_timekeeper::Reading;

/// The arrival time, origin, device claim and request id of a command.
#[derive(Debug, Clone)]
pub struct Received {
    /// The id of the request in the answer, the log and the audit row.
    pub id: RequestId,
    /// The time at which the last byte arrived. One-time codes are checked at this time, so that a
    /// right code does not expire in a queue.
    pub at: Reading,
    /// The way in.
    pub door: Door,
    /// The peer, and the gateway that states it.
    pub origin: Origin,
    /// True if many clients share the peer's address, such as a gateway or load balancer
    /// (`limits.shared_addresses`).
    pub is_shared_address: bool,
    /// The connection, if the peer has one of its own. `None` for a visitor of a gateway.
    pub connection: Option<GrantHolder>,
    /// The TLS exporter of the connection, which the proof of a gateway signs.
    pub exporter: Option<[u8; EXPORTER_BYTES]>,
    /// The device claim that was made earlier on the connection.
    pub device: Option<Claim>,
    /// How many more milliseconds the source is blocked for, if it is. An attempt with a proven
    /// device or a right recovery code is exempt.
    pub penalty_ms: Option<u64>,
}

impl Received {
    /// The origin and the door, as in audit rows: `peer=192.0.2.1`, or `peer=192.0.2.1 door=text`.
    #[must_use]
    pub(crate) fn way_in(&self) -> String {
        match self.door.word() {
            None => self.origin.to_string(),
            Some(door) => format!("{} door={door}", self.origin),
        }
    }

    /// The door and a lack of TLS, in the words of [`Received::way_in`] after a space. Empty for a
    /// client of this protocol.
    #[must_use]
    pub(crate) const fn unusual_way(&self) -> &'static str {
        match (self.door, self.origin.is_plain) {
            (Door::Native, false) => "",
            (Door::Native, true) => " tls=off",
            (Door::Web, _) => " door=web",
            (Door::Http, _) => " door=http",
            (Door::Text, false) => " door=text",
            (Door::Text, true) => " tls=off door=text",
        }
    }

    /// The source that limits count this command under.
    #[must_use]
    pub(crate) fn source(&self) -> Source {
        self.origin.source()
    }

    /// The limit that applies if the source is blocked.
    pub(crate) fn limited(&self) -> Option<Limited> {
        self.penalty_ms.map(Limited::Wait)
    }

    /// The place of a device that reports the address `mac`; `None` behind a shared address.
    #[must_use]
    pub(crate) fn place(&self, mac: Option<MacAddress>) -> Option<LoginLocation> {
        (!self.is_shared_address).then(|| LoginLocation::new(mac, &self.source().to_string()))
    }
}
