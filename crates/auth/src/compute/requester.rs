//! On whose behalf slow work is done.

use crate::source::Source;
use fourauth_store::Lane;
use std::net::{IpAddr, Ipv4Addr};

/// Where a job comes from and how urgent it is: all that the queue knows about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// The source that the work is charged to.
    pub source: Source,
    /// Which part of the queue it waits in.
    pub urgency: Urgency,
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
    /// An attempt from `source` that was admitted to `lane`.
    #[must_use]
    pub const fn admitted(source: Source, lane: Lane) -> Self {
        Self { source, urgency: Urgency::of(lane) }
    }

    /// A peer at `source` that has proved what its command asks for.
    #[must_use]
    pub const fn proven(source: Source) -> Self {
        Self { source, urgency: Urgency::Reserved }
    }

    /// The machine itself: a start of the server, and local administration.
    #[must_use]
    pub fn this_machine() -> Self {
        Self::proven(Source::from(IpAddr::from(Ipv4Addr::LOCALHOST)))
    }
}
