//! The text protocol of the passcode systems: one message on each connection, and one answer.
//!
//! It translates. A message becomes a command, which is decided like one that arrives in a frame,
//! within the same limits, and the answer becomes one of the documented texts. Nothing here knows an
//! account.

mod message;
pub mod pickle;
mod ports;
mod saying;

pub(crate) use ports::Ports;

use crate::{
    connection::{Connection, ConnectionError, Line},
    decide::decide,
    limits::slot::ConnectionSlot,
    session::{self, LAST_ANSWER, LAST_FRAME, Shared, last_moment},
    timer,
};
use bytes::BytesMut;
use fourauth_auth::{origin::Origin, policy::Door, received::Received};
use fourauth_config::{CompatConfig, Network};
use fourauth_protocol::{
    command::{Command, Refused},
    secret::Secret,
};
use message::{Form, Unreadable};
use std::{net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

/// The name of the protocol in TLS negotiation (RFC 7301). Clients of it offer no name. A client that
/// offers only other names, such as a browser, is refused.
pub(crate) const ALPN: &[u8] = b"fourauth-text/1";

/// How the text protocol is carried.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    /// The networks that may connect without TLS. `None`: all connections have TLS.
    plain: Option<Arc<[Network]>>,
    /// True if answers are pickled.
    is_pickled: bool,
}

impl From<&CompatConfig> for Wire {
    fn from(compat: &CompatConfig) -> Self {
        let plain = compat.legacy_tcp.then(|| Arc::from(compat.legacy_networks.as_slice()));
        Self { plain, is_pickled: compat.pickle_replies }
    }
}

impl Wire {
    /// True if connections have no TLS.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain.is_some()
    }

    /// True if this address may connect.
    pub(crate) fn is_open_to(&self, address: IpAddr) -> bool {
        let Some(networks) = &self.plain else { return true };
        networks.iter().any(|network| network.contains(address))
    }

    fn bytes(&self, text: &Secret<String>) -> Secret<Vec<u8>> {
        Secret::new(if self.is_pickled {
            pickle::dumps(text.expose())
        } else {
            text.expose().clone().into_bytes()
        })
    }
}

/// Serves one client: receives its message, has it decided, answers, and closes the connection. A
/// message that has arrived is answered also if the server stops.
///
/// # Errors
///
/// Fails if the connection ends early.
pub(crate) async fn run<S>(
    mut connection: Connection<S>,
    shared: Shared,
    origin: Origin,
    wire: Wire,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let evicted = connection.slot().evicted();
    let begins = tokio::select! {
        // A message that has arrived takes precedence over a stop.
        biased;
        begins = connection.begins(shared.deadlines.first_frame) => begins,
        () = shared.stop.cancelled() => Ok(false),
        () = evicted.cancelled() => Ok(false),
    };
    let ended = match begins {
        Ok(true) => Conversation { shared, origin, wire }.serve(&mut connection).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if evicted.is_cancelled() {
        connection.cut().await;
    } else {
        connection.close().await;
    }
    ended
}

/// One message and its answer.
struct Conversation {
    shared: Shared,
    origin: Origin,
    wire: Wire,
}

impl Conversation {
    /// Receives the message that has begun and answers it.
    async fn serve<S>(&self, connection: &mut Connection<S>) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let evicted = connection.slot().evicted();
        connection.slot().begin();
        let arrived = tokio::select! {
            biased;
            arrived = connection.line() => arrived,
            () = last_moment(&self.shared.stop, LAST_FRAME) => return Ok(()),
            () = evicted.cancelled() => return Ok(()),
        };
        let (_deciding, at) = (connection.slot().decide(), Instant::now());
        let (said, is_denial) = match arrived {
            Ok(Line::Whole(line)) => self.answer(connection.slot(), line).await,
            Ok(Line::TooLong) => {
                let too_long = Unreadable::TOO_LONG;
                self.refuse(connection.slot(), too_long, &Refused::TooLarge).await
            }
            Err(ConnectionError::Crowded) => (saying::refused(), false),
            Err(error) => return Err(error),
        };
        connection.decided();
        if is_denial {
            timer::sleep_until(at + self.shared.deadlines.denial).await;
        }
        let bytes = self.wire.bytes(&said);
        tokio::select! {
            sent = connection.send_bytes(bytes.expose()) => sent,
            () = last_moment(&evicted, LAST_ANSWER) => Ok(()),
        }
    }

    /// The answer to a line, and true if it is a denial, which is held back.
    async fn answer(&self, slot: &ConnectionSlot, line: BytesMut) -> (Secret<String>, bool) {
        let read = message::read(&line);
        drop(line);
        match read {
            Ok((form, command)) => self.decide(slot, form, command).await,
            Err(unreadable) => {
                let malformed = Refused::Malformed("it is not a message".into());
                self.refuse(slot, unreadable, &malformed).await
            }
        }
    }

    /// Has a command decided within the limits of its source.
    async fn decide(
        &self,
        slot: &ConnectionSlot,
        form: Form,
        command: Command,
    ) -> (Secret<String>, bool) {
        let mut received = self.received(slot);
        slot.settle();
        let turn = slot.admit(&mut received).await;
        let reply = decide(&self.shared.context, received, command, None).await;
        drop(turn);
        slot.note(reply.conduct());
        (saying::of(form, reply.answer()), reply.is_held_back())
    }

    /// Refuses a line that is no message. The log gets one row for each source and minute.
    async fn refuse(
        &self,
        slot: &ConnectionSlot,
        unreadable: Unreadable,
        refused: &Refused,
    ) -> (Secret<String>, bool) {
        let received = self.received(slot);
        tracing::debug!(id = %received.id, origin = %received.origin, ?unreadable, "refused");
        slot.penalise(unreadable.offence);
        self.shared.context.authenticator.count_rejected_frame(&received, refused).await;
        (unreadable.form.map_or_else(saying::refused, saying::denied), false)
    }

    fn received(&self, slot: &ConnectionSlot) -> Received {
        let arrival = session::arrival(&self.shared.context, self.origin.clone(), slot.is_shared());
        Received { door: Door::Text, ..arrival }
    }
}
