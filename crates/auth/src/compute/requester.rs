//! On whose behalf slow work is done.

use crate::{received::Received, source::Source};
use fourauth_store::Lane;
use std::net::{IpAddr, Ipv4Addr};

/// Where a job comes from and how urgent it is: all that the queue knows about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// The source that the work is charged to.
    pub source: Source,
    /// Which part of the queue it waits in.
    pub urgency: Urgency,
    /// Whether many people speak through the source (`limits.shared_addresses`): it has no places of
    /// its own that one of them could fill.
    pub is_shared: bool,
}

/// Which part of the queue a job waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A device that the account knows, or a peer that has proved the other factors. Comes first.
    Reserved,
    /// Every other peer.
    Ordinary,
}

impl Urgency {
    /// The urgency of an attempt that was admitted to this lane.
    #[must_use]
    pub const fn of(lane: Lane) -> Self {
        match lane {
            Lane::Device(_) | Lane::Place(_) | Lane::RecoveryCode => Self::Reserved,
            Lane::Unknown | Lane::Admin => Self::Ordinary,
        }
    }
}

impl Requester {
    /// An attempt that was admitted to `lane`.
    #[must_use]
    pub fn admitted(received: &Received, lane: Lane) -> Self {
        let is_shared = received.is_shared_address;
        Self { source: received.source(), urgency: Urgency::of(lane), is_shared }
    }

    /// A peer that has proved what its command asks for.
    #[must_use]
    pub fn proven(received: &Received) -> Self {
        let is_shared = received.is_shared_address;
        Self { source: received.source(), urgency: Urgency::Reserved, is_shared }
    }

    /// The machine itself: a start of the server, and local administration.
    #[must_use]
    pub fn this_machine() -> Self {
        let source = Source::from(IpAddr::from(Ipv4Addr::LOCALHOST));
        Self { source, urgency: Urgency::Reserved, is_shared: false }
    }
}
