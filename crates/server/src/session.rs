//! One peer's conversation.

use crate::{
    connection::{Connection, ConnectionError},
    deadlines::Deadlines,
    dispatch::Context,
    reply::Reply,
};
use bytes::Bytes;
use fourauth_auth::{entropy, noise::Noise, received::Received};
use fourauth_protocol::{
    command::{Command, Refused},
    request_id::RequestId,
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How long the rest of a frame is waited for once the server stops.
const LAST_FRAME: Duration = Duration::from_secs(3);

/// Serves one peer until it hangs up, misbehaves or the server stops. A command that has begun is
/// answered even then.
///
/// # Errors
///
/// Why the conversation ended early.
pub async fn run<S>(
    mut connection: Connection<S>,
    context: Arc<Context>,
    peer: IpAddr,
    deadlines: Deadlines,
    stop: CancellationToken,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = Session { context, peer, deadlines, noise: Noise::default() };
    let mut patience = deadlines.first_frame;
    let ended = loop {
        let begins = tokio::select! {
            // What has arrived is served before anything is stopped.
            biased;
            begins = connection.begins(patience) => begins,
            () = stop.cancelled() => Ok(false),
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
    };
    session.report_noise().await;
    connection.close().await;
    ended
}

/// Whether the conversation goes on.
enum Next {
    Command,
    Noise,
    End,
}

/// When a server that stops no longer waits for the rest of a frame.
async fn last_moment(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LAST_FRAME).await;
}

struct Session {
    context: Arc<Context>,
    peer: IpAddr,
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
        let arrived = tokio::select! {
            biased;
            arrived = connection.payload() => arrived,
            () = last_moment(stop) => Ok(None),
        };
        let payload = match arrived {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(Next::End),
            Err(ConnectionError::Frame(_)) => {
                let reply = self.refuse(&self.received(), &Refused::TooLarge);
                connection.send(&reply).await?;
                return Ok(Next::End);
            }
            Err(error) => return Err(error),
        };
        let (received, arrived) = (self.received(), Instant::now());
        let (reply, next) = self.answer(received, payload).await;
        if reply.is_denial() {
            sleep_until(arrived + self.deadlines.denial).await;
        }
        connection.send(&reply).await?;
        Ok(next)
    }

    async fn answer(&mut self, received: Received, payload: Bytes) -> (Reply, Next) {
        match Command::from_json(&payload) {
            Ok(command) => {
                drop(payload);
                (self.run(received, command).await, Next::Command)
            }
            Err(refused @ Refused::TooLarge) => (self.refuse(&received, &refused), Next::End),
            Err(refused) => (self.refuse(&received, &refused), Next::Noise),
        }
    }

    /// Runs the command in a task of its own: a peer that hangs up cannot stop it half-way, and a
    /// panic ends the task and not the conversation.
    async fn run(&self, received: Received, command: Command) -> Reply {
        let span = tracing::info_span!("request", id = %received.id, peer = %received.peer);
        let context = Arc::clone(&self.context);
        let task =
            tokio::spawn(async move { context.dispatch(received, command).await }.instrument(span));
        task.await.unwrap_or_else(|_| Reply::crashed(received.id))
    }

    fn refuse(&mut self, received: &Received, refused: &Refused) -> Reply {
        tracing::debug!(id = %received.id, peer = %received.peer, %refused, "refused");
        self.noise.count(refused);
        Reply::refused(received.id, refused)
    }

    fn received(&self) -> Received {
        let at = self.context.clock.read();
        Received { id: RequestId::new(at.now, entropy::bytes()), at, peer: self.peer }
    }

    /// One audit row for everything on this connection that was no command.
    async fn report_noise(self) {
        let received = self.received();
        self.context.authenticator.note(received, self.noise).await;
    }
}
