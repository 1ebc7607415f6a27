//! The session of one peer.

use crate::{
    channel::Channel,
    connection::{Connection, ConnectionError},
    deadlines::Deadlines,
    decide::decide,
    dispatch::Context,
    gateway::{self, Identity},
    limits::{conduct::Offence, slot::ConnectionSlot, sources::Sources},
    reply::Reply,
    timer,
};
use bytes::Bytes;
use fourauth_auth::{
    device::Claim, entropy, origin::Origin, policy::Door, received::Received,
    rejected_frames::RejectedFrames,
};
use fourauth_protocol::{
    command::{Command, Refused},
    envelope::Message,
    gateway::GatewayName,
    request_id::RequestId,
};
use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Timeout for the rest of a frame during shutdown.
pub(crate) const LAST_FRAME: Duration = Duration::from_secs(3);

/// Timeout for an evicted peer to read the answer to its last command.
pub(crate) const LAST_ANSWER: Duration = Duration::from_secs(1);

/// What all sessions use.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// Decides commands.
    pub context: Arc<Context>,
    /// Limits per source, and penalties.
    pub sources: Arc<Sources>,
    /// Timeouts for peers.
    pub deadlines: Deadlines,
    /// Bounds on the commands of one gateway.
    pub gateway: gateway::Bounds,
    /// Where browsers find the portal. The proofs of their keys are bound to it.
    pub origin: Option<Arc<str>>,
    /// Cancelled to end the sessions.
    pub stop: CancellationToken,
}

/// The peer of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// True if many clients share that address.
    pub is_shared: bool,
    /// Binds a device proof to this connection.
    pub channel: Channel,
}

/// Serves one peer until it closes the connection, misbehaves or is evicted, or the server stops. A
/// command that has begun is answered in any case.
///
/// # Errors
///
/// Fails if the connection ends early.
pub(crate) async fn run<S>(
    mut connection: Connection<S>,
    shared: Shared,
    peer: Peer,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (rejected, evicted) = (RejectedFrames::default(), connection.slot().evicted());
    let Shared { context, deadlines, stop, .. } = shared.clone();
    let mut session = Session { context, peer, device: None, deadlines, rejected };
    let mut patience = deadlines.first_frame;
    let (mut stopped, mut gone) = (pin!(stop.cancelled()), pin!(evicted.cancelled()));
    let ended = loop {
        let begins = tokio::select! {
            // A frame that has arrived takes precedence over a stop.
            biased;
            begins = connection.begins(patience) => begins,
            () = &mut stopped => Ok(false),
            () = &mut gone => Ok(false),
        };
        match begins {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
        match session.serve_one(&mut connection, &stop, &evicted).await {
            Ok(Next::Command) => patience = deadlines.idle,
            // Only a command extends the timeout for the next frame.
            Ok(Next::Noise) => {}
            Ok(Next::Gateway(identity)) => {
                let address = session.peer.address;
                session.report_noise().await;
                // On the heap, so that the session of a client has no room for it.
                return Box::pin(gateway::run(connection, shared, identity, address)).await;
            }
            Ok(Next::End) => break Ok(()),
            Err(error) => break Err(error),
        }
        if evicted.is_cancelled() {
            break Ok(());
        }
    };
    session.report_noise().await;
    if evicted.is_cancelled() {
        connection.cut().await;
    } else {
        connection.close().await;
    }
    ended
}

/// What follows a frame.
enum Next {
    Command,
    Noise,
    /// The peer has proved to be this gateway.
    Gateway(Identity),
    End,
}

/// Completes when `grace` has passed after `end` is cancelled.
pub(crate) async fn last_moment(end: &CancellationToken, grace: Duration) {
    end.cancelled().await;
    tokio::time::sleep(grace).await;
}

struct Session {
    context: Arc<Context>,
    peer: Peer,
    /// The last device proof of the peer.
    device: Option<Claim>,
    deadlines: Deadlines,
    rejected: RejectedFrames,
}

impl Session {
    /// Receives the frame that has begun and answers it.
    async fn serve_one<S>(
        &mut self,
        connection: &mut Connection<S>,
        stop: &CancellationToken,
        evicted: &CancellationToken,
    ) -> Result<Next, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let arrived = tokio::select! {
            biased;
            arrived = connection.payload() => arrived,
            () = last_moment(stop, LAST_FRAME) => Ok(None),
            () = evicted.cancelled() => Ok(None),
        };
        let payload = match arrived {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(Next::End),
            Err(ConnectionError::Frame(error)) => {
                let reply = self.refuse(&self.received(), &Refused::TooLarge);
                connection.slot().penalise(Offence::from(&error));
                connection.send_last(&reply).await;
                return Ok(Next::End);
            }
            Err(crowded @ ConnectionError::Crowded) => {
                connection.send_last(&Reply::crowded(self.received().id)).await;
                return Err(crowded);
            }
            Err(error) => return Err(error),
        };
        let activity = connection.slot().activity();
        // On the heap for as long as it runs, so that an idle session has no room for it.
        let mut serving = Box::pin(self.serve(connection, payload, evicted));
        activity.busy_while(serving.as_mut()).await
    }

    /// Answers a payload.
    async fn serve<S>(
        &mut self,
        connection: &mut Connection<S>,
        payload: Bytes,
        evicted: &CancellationToken,
    ) -> Result<Next, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (received, arrived) = (self.received(), Instant::now());
        let (reply, next) = self.answer(connection.slot(), received, payload).await;
        connection.decided();
        connection.slot().note(reply.conduct());
        if let Some(device) = reply.proven_device() {
            connection.slot().prove_device(device);
        }
        if reply.is_held_back() {
            timer::sleep_until(arrived + self.deadlines.denial).await;
        }
        tokio::select! {
            biased;
            sent = connection.send(&reply) => sent.map(|()| next),
            () = last_moment(evicted, LAST_ANSWER) => Ok(Next::End),
        }
    }

    async fn answer(
        &mut self,
        slot: &ConnectionSlot,
        received: Received,
        payload: Bytes,
    ) -> (Reply, Next) {
        match Message::from_json(&payload).of_peer() {
            Ok(command) => {
                drop(payload);
                slot.settle();
                let mut received = received;
                let _turn = slot.admit(&mut received).await;
                let received = self.annotate(received, &command);
                let (nonce, claimed) = (self.peer.channel.nonce(), gateway_of(&command));
                let reply = decide(&self.context, received, command, nonce).await;
                let next = match (claimed, reply.proven_device()) {
                    (Some(name), Some(key)) if reply.is_granted() => {
                        Next::Gateway(Identity::Proven { name, key })
                    }
                    _ => Next::Command,
                };
                (reply, next)
            }
            Err(refused @ Refused::TooLarge) => (self.refuse(&received, &refused), Next::End),
            Err(refused) => (self.refuse(&received, &refused), Next::Noise),
        }
    }

    /// Updates the channel and the device proof from a command. Adds the proof to the received
    /// command.
    fn annotate(&mut self, mut received: Received, command: &Command) -> Received {
        match command {
            Command::Hello(_) => {
                let nonce = self.context.authenticator.device_nonce(received.at.now);
                self.peer.channel.renew_nonce(nonce);
            }
            Command::ProveDevice(proof) => {
                self.device = Some(self.peer.channel.claim(proof.clone()));
            }
            _ => {}
        }
        received.device.clone_from(&self.device);
        received.exporter = self.peer.channel.exporter();
        received.connection = Some(self.peer.channel.holder());
        received
    }

    fn refuse(&mut self, received: &Received, refused: &Refused) -> Reply {
        tracing::debug!(id = %received.id, origin = %received.origin, %refused, "refused");
        self.rejected.count(refused);
        self.context.authenticator.metrics().reject(refused);
        Reply::refused(received.id, refused)
    }

    fn received(&self) -> Received {
        let Peer { address, is_shared, .. } = self.peer;
        arrival(&self.context, Origin::connected(address), is_shared)
    }

    /// Writes one audit row for all frames on this connection that were not commands.
    async fn report_noise(self) {
        let received = self.received();
        self.context.authenticator.record_rejected_frames(received, self.rejected).await;
    }
}

/// A command or frame that has arrived just now.
pub(crate) fn arrival(context: &Context, origin: Origin, is_shared_address: bool) -> Received {
    let at = context.clock.read();
    let id = RequestId::new(at.now, entropy::public_bytes());
    let (connection, exporter, device, penalty_ms) = (None, None, None, None);
    let door = Door::Native;
    Received { id, at, door, origin, is_shared_address, connection, exporter, device, penalty_ms }
}

/// The gateway that a command claims to come from.
fn gateway_of(command: &Command) -> Option<GatewayName> {
    match command {
        Command::ProveGateway(proof) => Some(proof.gateway.clone()),
        _ => None,
    }
}
