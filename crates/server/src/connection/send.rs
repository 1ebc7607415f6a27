//! The sending side of a connection: replies, and how a connection is closed.

use super::{CHUNK, CLOSE_TIMEOUT, Connection, ConnectionError};
use crate::{deadlines::Deadlines, reply::Reply};
use bytes::BytesMut;
use fourauth_protocol::frame::MAX_PAYLOAD;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

/// The sending half of a connection.
#[derive(Debug)]
pub(crate) struct Sender<W> {
    stream: W,
    deadlines: Deadlines,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// Fails if the peer is gone or does not read.
    pub(crate) async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        self.write(reply, self.deadlines.answer).await
    }

    /// Sends a last reply, with a short timeout because the peer may have stopped reading.
    pub(crate) async fn send_last(&mut self, reply: &Reply) {
        if let Err(error) = self.write(reply, CLOSE_TIMEOUT).await {
            tracing::debug!(%error, "last reply not sent");
        }
    }

    async fn write(&mut self, reply: &Reply, patience: Duration) -> Result<(), ConnectionError> {
        write(&mut self.stream, reply, patience).await
    }

    /// Closes the connection without waiting, because another connection needs the slot.
    pub(crate) async fn cut(mut self) {
        // A single poll sends the TLS close_notify if the socket can take it.
        let _unsaid = timeout(Duration::ZERO, self.stream.shutdown()).await;
    }

    /// Closes the connection in order, so that the peer can distinguish the end from a lost
    /// connection.
    ///
    /// Bytes that are still arriving are read for a moment and discarded. Closing a socket with
    /// unread bytes resets it, and the peer would lose an answer that it has not read yet (RFC 1122
    /// §4.2.2.13).
    pub(crate) async fn close(mut self) {
        let closing = async {
            self.stream.shutdown().await?;
            let mut chunk = BytesMut::with_capacity(CHUNK);
            for _ in 0..MAX_PAYLOAD / CHUNK {
                chunk.clear();
                if self.stream.read_buf(&mut chunk).await? == 0 {
                    break;
                }
            }
            Ok::<_, std::io::Error>(())
        };
        // The peer may be gone already.
        let _gone = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

impl<W: AsyncWrite + Unpin> Sender<W> {
    /// Takes the sending half of a stream.
    pub(super) const fn new(stream: W, deadlines: Deadlines) -> Self {
        Self { stream, deadlines }
    }

    /// The sending half of the stream.
    pub(super) fn into_inner(self) -> W {
        self.stream
    }

    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// Fails if the peer is gone or does not read.
    pub(crate) async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        write(&mut self.stream, reply, self.deadlines.answer).await
    }
}

async fn write<W: AsyncWrite + Unpin>(
    stream: &mut W,
    reply: &Reply,
    patience: Duration,
) -> Result<(), ConnectionError> {
    send_all(stream, reply.to_frame()?.expose(), patience).await
}

pub(super) async fn send_all<W: AsyncWrite + Unpin>(
    stream: &mut W,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), ConnectionError> {
    let sent = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    Ok(timeout(patience, sent).await.map_err(|_| ConnectionError::Late)??)
}
