//! The source, attempt and urgency of slow work.

use crate::{received::Received, source::Source};
use fourauth_protocol::request_id::RequestId;
use fourauth_store::Lane;
use std::net::{IpAddr, Ipv4Addr};

/// The source, attempt and urgency of a job, which is all that the queue knows about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// The source that the work is charged to.
    pub(crate) source: Source,
    /// The attempt that the job is a part of; `None` if it is the only job. Once one job of an
    /// attempt has begun, the others come before all attempts that have not.
    pub(crate) attempt: Option<RequestId>,
    /// The part of the queue that the job waits in.
    pub(crate) urgency: Urgency,
    /// True if many clients share the source (`limits.shared_addresses`). It has no slots of its
    /// own, so that one client cannot use them all.
    pub(crate) is_shared: bool,
}

/// The part of the queue that a job waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Jobs of known devices, and of peers that have proved the other factors. They run first.
    Reserved,
    /// Jobs of all other peers.
    Ordinary,
}

impl Urgency {
    /// The urgency of an attempt in this lane.
    #[must_use]
    pub(crate) const fn of(lane: Lane) -> Self {
        match lane {
            Lane::Device(_) | Lane::Place(_) | Lane::RecoveryCode => Self::Reserved,
            Lane::Unknown | Lane::Admin => Self::Ordinary,
        }
    }
}

impl Requester {
    /// The requester for an attempt that was admitted to `lane`.
    #[must_use]
    pub(crate) fn admitted(received: &Received, lane: Lane) -> Self {
        let is_shared = received.is_shared_address;
        let (source, attempt) = (received.source(), Some(received.id));
        Self { source, attempt, urgency: Urgency::of(lane), is_shared }
    }

    /// The requester for a peer that has proved every factor that its command asks for.
    #[must_use]
    pub(crate) fn proven(received: &Received) -> Self {
        let is_shared = received.is_shared_address;
        let (source, attempt) = (received.source(), Some(received.id));
        Self { source, attempt, urgency: Urgency::Reserved, is_shared }
    }

    /// The requester for the server's own start and for local administration.
    #[must_use]
    pub fn this_machine() -> Self {
        let source = Source::from(IpAddr::from(Ipv4Addr::LOCALHOST));
        Self { source, attempt: None, urgency: Urgency::Reserved, is_shared: false }
    }
}
