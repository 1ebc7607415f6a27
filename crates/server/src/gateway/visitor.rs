//! One command of a gateway, from its arrival to its reply.

use super::{Gateway, KIB};
use crate::{
    channel::browser_claim,
    decide::decide,
    limits::{in_flight::Frame, slot::Deciding, visit::Visit},
    reply::Reply,
    timer,
};
use fourauth_auth::{origin::Origin, policy::Door, received::Received};
use fourauth_protocol::{
    command::{Command, Refused},
    device::DeviceNonce,
    envelope::{Envelope, Reference, StatedDoor},
};
use std::net::IpAddr;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

/// A command that has arrived, or a payload that is not a command.
pub(super) struct Arrived {
    received: Received,
    at: Instant,
    reference: Option<Reference>,
    peer: Option<IpAddr>,
    command: Result<Command, Refused>,
    bytes: usize,
    /// Its share of the byte budget, and the mark that its connection has something to decide.
    held: (Option<Frame>, Deciding),
}

impl Arrived {
    /// Notes the time, the peer and the device proof of a command.
    pub(super) fn new(
        gateway: &Gateway,
        envelope: Envelope,
        command: Result<Command, Refused>,
        bytes: usize,
        held: (Option<Frame>, Deciding),
    ) -> Self {
        let Envelope { peer, reference, door, proof } = envelope;
        let command = command.and_then(|command| with_peer(peer, command));
        let mut received = gateway.own();
        if let Some(peer) = peer {
            received.origin = Origin::stated(peer, gateway.identity.name());
        }
        if let Some(StatedDoor::Web) = door {
            received.door = Door::Web;
        }
        if let (Some(origin), Some(proof)) = (&gateway.shared.origin, proof) {
            received.device = Some(browser_claim(origin, proof, received.id));
        }
        Self { received, at: Instant::now(), reference, peer, command, bytes, held }
    }

    /// The size of its frame, rounded up.
    pub(super) fn kib(&self) -> u32 {
        u32::try_from(self.bytes / KIB + 1).unwrap_or(u32::MAX)
    }
}

/// Refuses a command without a peer, except a hello and the request for public keys. Without this, all visitors of a gateway that
/// forgets it would be one source.
fn with_peer(peer: Option<IpAddr>, command: Command) -> Result<Command, Refused> {
    match command {
        Command::ProveGateway(_) => {
            Err(Refused::Malformed("the connection is that of a gateway already".into()))
        }
        Command::Hello(_) | Command::GetKeys(_) => Ok(command),
        _ if peer.is_none() => Err(Refused::Malformed("missing field `peer`".into())),
        _ => Ok(command),
    }
}

impl Gateway {
    /// Decides a command, and returns its reply when it may be sent.
    pub(super) async fn serve(
        &self,
        arrived: Arrived,
        room: Option<OwnedSemaphorePermit>,
    ) -> Reply {
        let Arrived { received, at, reference, peer, command, held, .. } = arrived;
        let id = received.id;
        // Held until the answer may be sent.
        let visit = peer.map(|peer| self.shared.sources.visit(peer));
        let reply = match self.is_registered().await {
            Ok(true) => match &visit {
                None => self.decide_own(received, command).await,
                Some(None) => Reply::crowded(id),
                Some(Some(visit)) => self.decide(visit, received, command).await,
            },
            Ok(false) => self.remove(&received),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "undecided");
                Reply::undecided(id, &error)
            }
        };
        drop((held, room));
        if reply.is_held_back() {
            timer::sleep_until(at + self.shared.deadlines.denial).await;
        }
        reply.with_reference(reference)
    }

    /// Refuses a command because the gateway is no longer registered, and ends the session.
    fn remove(&self, received: &Received) -> Reply {
        self.reject(&Refused::NotAGateway);
        self.ending.cancel();
        tracing::warn!(gateway = %self.identity.name(), "the gateway is no longer registered");
        Reply::refused(received.id, &Refused::NotAGateway)
    }

    /// Decides a command within the limits of its peer, as if the peer had connected.
    async fn decide(
        &self,
        visit: &Visit,
        mut received: Received,
        command: Result<Command, Refused>,
    ) -> Reply {
        received.is_shared_address = visit.is_shared();
        let reply = match command {
            Ok(Command::ProveDevice(_)) => Reply::foreign_binding(received.id),
            Ok(command) => {
                let _turn = visit.admit(&mut received).await;
                let nonce = self.nonce(&received, &command);
                decide(&self.shared.context, received, command, nonce).await
            }
            Err(refused) => {
                let reply = Reply::refused(received.id, &refused);
                let authenticator = &self.shared.context.authenticator;
                authenticator.count_rejected_frame(&received, &refused).await;
                reply
            }
        };
        visit.note(reply.conduct());
        reply
    }

    /// The nonce in the answer to a hello of the portal, for the proof of a browser.
    fn nonce(&self, received: &Received, command: &Command) -> Option<DeviceNonce> {
        let is_wanted = received.door == Door::Web && matches!(command, Command::Hello(_));
        is_wanted.then(|| self.shared.context.authenticator.device_nonce(received.at.now))
    }

    /// Answers a command that names no peer. Nothing is charged to a source.
    async fn decide_own(&self, received: Received, command: Result<Command, Refused>) -> Reply {
        match command {
            Ok(command) => decide(&self.shared.context, received, command, None).await,
            Err(refused) => {
                self.reject(&refused);
                Reply::refused(received.id, &refused)
            }
        }
    }
}
