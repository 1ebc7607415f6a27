//! Receives payloads and sends replies over a byte stream. Every wait has a deadline.

mod line;
mod receive;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use line::Line;
pub(crate) use send::Sender;

use crate::{
    deadlines::Deadlines,
    limits::{
        in_flight::{Dropped, Frame},
        slot::ConnectionSlot,
    },
};
use fourauth_protocol::frame::{Decoder, FrameError};
use std::{pin::Pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    time::Sleep,
};

/// Largest single read, in bytes. A login with a picture takes a few dozen reads.
const CHUNK: usize = 8 * 1024;

/// Timeout for closing a connection, and for a last reply.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One peer. In production `S` is a TLS stream.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    decoder: Decoder,
    deadlines: Deadlines,
    slot: ConnectionSlot,
    /// The share of the byte budget that the last frame holds from its arrival until it is decided.
    frame: Option<Frame>,
    /// The timer of the wait for a frame to begin. Moving its end to later is cheaper than starting
    /// another one.
    silence: Option<Pin<Box<Sleep>>>,
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The socket failed.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// A header announced more bytes than a frame may hold. The peer gets a reply.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer exceeded a deadline.
    #[error("the peer did not send a frame or read an answer in time")]
    Late,
    /// The frame was dropped to make room, or was too slow while the byte budget filled up. The
    /// peer gets a reply.
    #[error("no room for the frame in the byte budget")]
    Crowded,
}

impl From<Dropped> for ConnectionError {
    fn from(_: Dropped) -> Self {
        Self::Crowded
    }
}

impl<S> Connection<S> {
    /// Wraps a stream.
    pub(crate) fn new(stream: S, deadlines: Deadlines, slot: ConnectionSlot) -> Self {
        Self { stream, decoder: Decoder::default(), deadlines, slot, frame: None, silence: None }
    }

    /// The slot of this connection.
    pub(crate) const fn slot(&self) -> &ConnectionSlot {
        &self.slot
    }

    /// Makes this the connection of a gateway.
    pub(crate) fn become_gateway(&mut self) {
        self.slot.become_gateway();
    }

    /// Takes the share of the byte budget that the last frame holds.
    pub(crate) fn take_frame(&mut self) -> Option<Frame> {
        self.frame.take()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Releases the bytes that the last frame holds in the byte budget, because it has been
    /// decided.
    pub(crate) fn decided(&mut self) {
        self.frame = None;
    }

    /// Divides the connection, so that one task can receive while another sends.
    pub(crate) fn split(self) -> (Connection<ReadHalf<S>>, Sender<WriteHalf<S>>) {
        let Self { stream, decoder, deadlines, slot, frame, silence } = self;
        let (reading, writing) = tokio::io::split(stream);
        let sender = Sender::new(writing, deadlines);
        (Connection { stream: reading, decoder, deadlines, slot, frame, silence }, sender)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<ReadHalf<S>> {
    /// Joins the two halves of a connection.
    ///
    /// # Panics
    ///
    /// If they are halves of different connections.
    pub(crate) fn join(self, sender: Sender<WriteHalf<S>>) -> Connection<S> {
        let Self { stream, decoder, deadlines, slot, frame, silence } = self;
        let stream = stream.unsplit(sender.into_inner());
        Connection { stream, decoder, deadlines, slot, frame, silence }
    }
}
