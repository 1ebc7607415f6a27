//! The session of one peer.

use crate::{
    channel::Channel,
    connection::{Connection, ConnectionError},
    deadlines::Deadlines,
    dispatch::Context,
    limits::{conduct::Offence, slot::ConnectionSlot},
    reply::Reply,
    timer,
};
use bytes::Bytes;
use fourauth_auth::{
    device::Claim, entropy, policy::Door, received::Received, rejected_frames::RejectedFrames,
};
use fourauth_protocol::{
    command::{Command, Refused},
    request_id::RequestId,
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Timeout for the rest of a frame during shutdown.
const LAST_FRAME: Duration = Duration::from_secs(3);

/// Timeout for an evicted peer to read the answer to its last command.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// How long a command waits for a permit of its source. After that it is refused, unless a device
/// has proved itself.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// When the peer may retry after that, in milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

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
    context: Arc<Context>,
    peer: Peer,
    deadlines: Deadlines,
    stop: CancellationToken,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (rejected, evicted) = (RejectedFrames::default(), connection.slot().evicted());
    let mut session = Session { context, peer, device: None, deadlines, rejected };
    let mut patience = deadlines.first_frame;
    let ended = loop {
        let begins = tokio::select! {
            // A frame that has arrived takes precedence over a stop.
            biased;
            begins = connection.begins(patience) => begins,
            () = stop.cancelled() => Ok(false),
            () = evicted.cancelled() => Ok(false),
        };
        match begins {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
        match session.serve_one(&mut connection, &stop).await {
            Ok(Next::Command) => patience = deadlines.idle,
            // Only a command extends the timeout for the next frame.
            Ok(Next::Noise) => {}
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
    End,
}

/// Completes when `grace` has passed after `end` is cancelled.
async fn last_moment(end: &CancellationToken, grace: Duration) {
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
    ) -> Result<Next, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let evicted = connection.slot().evicted();
        connection.slot().begin();
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
        let _deciding = connection.slot().decide();
        let (received, arrived) = (self.received(), Instant::now());
        let (reply, next) = self.answer(connection.slot(), received, payload).await;
        connection.decided();
        connection.slot().note(reply.conduct());
        if let Some(device) = reply.proven_device() {
            connection.slot().prove_device(device);
        }
        if reply.is_denial() {
            timer::sleep_until(arrived + self.deadlines.denial).await;
        }
        tokio::select! {
            sent = connection.send(&reply) => sent.map(|()| next),
            () = last_moment(&evicted, LAST_ANSWER) => Ok(Next::End),
        }
    }

    async fn answer(
        &mut self,
        slot: &ConnectionSlot,
        received: Received,
        payload: Bytes,
    ) -> (Reply, Next) {
        match Command::from_json(&payload) {
            Ok(command) => {
                drop(payload);
                slot.settle();
                // The permit is held until the command is decided.
                let turn = timeout(TURN_TIMEOUT, slot.turn()).await.ok().flatten();
                let mut received = self.annotate(slot, received, &command);
                if turn.is_none() {
                    received.penalty_ms.get_or_insert(RETRY_AFTER_MS);
                }
                (self.run(received, command).await, Next::Command)
            }
            Err(refused @ Refused::TooLarge) => (self.refuse(&received, &refused), Next::End),
            Err(refused) => (self.refuse(&received, &refused), Next::Noise),
        }
    }

    /// Updates the channel and the device proof from a command. Adds the proof and the penalty of
    /// the source to the received command.
    fn annotate(
        &mut self,
        slot: &ConnectionSlot,
        mut received: Received,
        command: &Command,
    ) -> Received {
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
        let penalty = slot.penalty().map(|wait| u64::try_from(wait.as_millis()));
        received.penalty_ms = penalty.map(|wait| wait.unwrap_or(u64::MAX));
        received.device.clone_from(&self.device);
        received
    }

    /// Runs the command in a separate task. A peer that closes the connection cannot interrupt it,
    /// and a panic ends the task but not the session.
    async fn run(&self, received: Received, command: Command) -> Reply {
        let span = tracing::info_span!("request", id = %received.id, peer = %received.peer);
        let context = Arc::clone(&self.context);
        let (id, nonce) = (received.id, self.peer.channel.nonce());
        let dispatch = async move { context.dispatch(received, command, nonce).await };
        let task = tokio::spawn(dispatch.instrument(span));
        task.await.unwrap_or_else(|_| Reply::crashed(id))
    }

    fn refuse(&mut self, received: &Received, refused: &Refused) -> Reply {
        tracing::debug!(id = %received.id, peer = %received.peer, %refused, "refused");
        self.rejected.count(refused);
        Reply::refused(received.id, refused)
    }

    fn received(&self) -> Received {
        let at = self.context.clock.read();
        let id = RequestId::new(at.now, entropy::bytes());
        let Peer { address: peer, is_shared: is_shared_address, .. } = self.peer;
        let door = Door::Native;
        Received { id, at, door, peer, is_shared_address, device: None, penalty_ms: None }
    }

    /// Writes one audit row for all frames on this connection that were not commands.
    async fn report_noise(self) {
        let received = self.received();
        self.context.authenticator.record_rejected_frames(received, self.rejected).await;
    }
}
