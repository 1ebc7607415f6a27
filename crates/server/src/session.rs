//! One peer's conversation.

use crate::{
    channel::Channel,
    conduct::Offence,
    connection::{Connection, ConnectionError},
    deadlines::Deadlines,
    dispatch::Context,
    place::Place,
    punctual,
    reply::Reply,
};
use bytes::Bytes;
use fourauth_auth::{device::Claim, entropy, noise::Noise, received::Received};
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

/// How long the rest of a frame is waited for once the server stops.
const LAST_FRAME: Duration = Duration::from_secs(3);

/// How long a peer that loses its place may take for the answer to what was being decided.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// How long a command waits for its source's turn. Then it is turned away, unless a device that
/// proves itself asks.
const TURN: Duration = Duration::from_secs(1);

/// When it may come back, in milliseconds.
const COME_BACK_MS: u64 = 1000;

/// Who is at the other end.
#[derive(Debug)]
pub struct Peer {
    /// Where.
    pub address: IpAddr,
    /// Whether that address identifies no one.
    pub is_shared: bool,
    /// What ties a proof to this connection.
    pub channel: Channel,
}

/// Serves one peer until it hangs up, misbehaves, loses its place to another or the server stops. A
/// command that has begun is answered even then.
///
/// # Errors
///
/// Why the conversation ended early.
pub async fn run<S>(
    mut connection: Connection<S>,
    context: Arc<Context>,
    peer: Peer,
    deadlines: Deadlines,
    stop: CancellationToken,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (noise, evicted) = (Noise::default(), connection.place().evicted());
    let mut session = Session { context, peer, device: None, deadlines, noise };
    let mut patience = deadlines.first_frame;
    let ended = loop {
        let begins = tokio::select! {
            // What has arrived is served before anything is stopped.
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
            // Only a command earns more patience than a stranger has.
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

/// Whether the conversation goes on.
enum Next {
    Command,
    Noise,
    End,
}

/// So long after it was told to end.
async fn last_moment(end: &CancellationToken, grace: Duration) {
    end.cancelled().await;
    tokio::time::sleep(grace).await;
}

struct Session {
    context: Arc<Context>,
    peer: Peer,
    /// What the peer said of its device last.
    device: Option<Claim>,
    deadlines: Deadlines,
    noise: Noise,
}

impl Session {
    /// Receives a frame that has begun, and answers it.
    async fn serve_one<S>(
        &mut self,
        connection: &mut Connection<S>,
        stop: &CancellationToken,
    ) -> Result<Next, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let evicted = connection.place().evicted();
        connection.place().begin();
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
                connection.place().penalise(Offence::from(&error));
                connection.send_last(&reply).await;
                return Ok(Next::End);
            }
            Err(crowded @ ConnectionError::Crowded) => {
                connection.send_last(&Reply::crowded(self.received().id)).await;
                return Err(crowded);
            }
            Err(error) => return Err(error),
        };
        let _deciding = connection.place().decide();
        let (received, arrived) = (self.received(), Instant::now());
        let (reply, next) = self.answer(connection.place(), received, payload).await;
        connection.decided();
        connection.place().note(reply.conduct());
        if let Some(device) = reply.proven_device() {
            connection.place().prove_device(device);
        }
        if reply.is_denial() {
            punctual::sleep_until(arrived + self.deadlines.denial).await;
        }
        tokio::select! {
            sent = connection.send(&reply) => sent.map(|()| next),
            () = last_moment(&evicted, LAST_ANSWER) => Ok(Next::End),
        }
    }

    async fn answer(&mut self, place: &Place, received: Received, payload: Bytes) -> (Reply, Next) {
        match Command::from_json(&payload) {
            Ok(command) => {
                drop(payload);
                place.settle();
                // Held until the command is decided.
                let turn = timeout(TURN, place.turn()).await.ok().flatten();
                let mut received = self.listen(place, received, &command);
                if turn.is_none() {
                    received.penalty_ms.get_or_insert(COME_BACK_MS);
                }
                (self.run(received, command).await, Next::Command)
            }
            Err(refused @ Refused::TooLarge) => (self.refuse(&received, &refused), Next::End),
            Err(refused) => (self.refuse(&received, &refused), Next::Noise),
        }
    }

    /// Takes from a command what it says about the connection, and adds what is known of that.
    fn listen(&mut self, place: &Place, mut received: Received, command: &Command) -> Received {
        match command {
            Command::Hello(_) => self.peer.channel.renew_nonce(),
            Command::ProveDevice(proof) => {
                self.device = Some(self.peer.channel.claim(proof.clone()));
            }
            _ => {}
        }
        let penalty = place.penalty().map(|wait| u64::try_from(wait.as_millis()));
        received.penalty_ms = penalty.map(|wait| wait.unwrap_or(u64::MAX));
        received.device.clone_from(&self.device);
        received
    }

    /// Runs the command in a task of its own: a peer that hangs up cannot stop it half-way, and a
    /// panic ends the task and not the conversation.
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
        self.noise.count(refused);
        Reply::refused(received.id, refused)
    }

    fn received(&self) -> Received {
        let at = self.context.clock.read();
        let id = RequestId::new(at.now, entropy::bytes());
        let Peer { address: peer, is_shared: is_shared_address, .. } = self.peer;
        Received { id, at, peer, is_shared_address, device: None, penalty_ms: None }
    }

    /// One audit row for everything on this connection that was no command.
    async fn report_noise(self) {
        let received = self.received();
        self.context.authenticator.note(received, self.noise).await;
    }
}
