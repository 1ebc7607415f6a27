//! The receiving side of a connection: frames, and the deadlines and the byte budget that they are held to.

use super::{CHUNK, Connection, ConnectionError};
use crate::limits::{conduct::Offence, in_flight::Frame};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::frame::Decoder;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::{Instant, timeout, timeout_at},
};

/// Size of the first read, in bytes. Every idle connection holds a buffer of this size.
pub(super) const FIRST_CHUNK: usize = 64;

/// How often the deadline of a frame is recomputed. It gets shorter as the byte budget fills.
const RECHECK: Duration = Duration::from_secs(1);

impl<S: AsyncRead + Unpin> Connection<S> {
    /// Waits up to `patience` for a frame to begin. Returns false if the peer has closed the
    /// connection. Cancel safe.
    ///
    /// # Errors
    ///
    /// Fails if the peer takes too long or the socket fails.
    pub(crate) async fn begins(&mut self, patience: Duration) -> Result<bool, ConnectionError> {
        if self.decoder.is_mid_frame() {
            return Ok(true);
        }
        match timeout(patience, self.fill(FIRST_CHUNK)).await {
            Ok(filled) => Ok(filled? > 0),
            Err(_) => Err(self.late(self.slot.is_startup())),
        }
    }

    /// Receives the payload of the frame that has begun. Returns `None` if the peer closes the
    /// connection before the end of the frame.
    ///
    /// # Errors
    ///
    /// Fails if the frame is too large, too slow or dropped, or if the socket fails.
    pub(crate) async fn payload(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let arrived = self.arrive().await;
        if !matches!(arrived, Ok(Some(_))) {
            // The rest is not read. Closing takes a while and must not hold this memory.
            self.decoder = Decoder::default();
        }
        arrived
    }

    async fn arrive(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let begun = Instant::now();
        let frame = self.slot.frame(begun);
        let mut uncounted = self.decoder.buffered();
        loop {
            // The first chunk is not counted: every idle connection may hold that much.
            if uncounted > FIRST_CHUNK {
                let room = timeout_at(begun + self.allowed(&frame), frame.hold(uncounted));
                room.await.map_err(|_| ConnectionError::Crowded)??;
                uncounted = 0;
            }
            if let Some(payload) = self.decoder.next_payload()? {
                frame.finish()?;
                self.frame = Some(frame);
                return Ok(Some(payload));
            }
            match self.more(&frame, begun).await? {
                0 => return Ok(None),
                count => uncounted += count,
            }
        }
    }

    /// Waits for more bytes of a frame, until its deadline passes or it is dropped. Returns the
    /// number of bytes, or 0 if the peer has closed the connection.
    async fn more(&mut self, frame: &Frame, begun: Instant) -> Result<usize, ConnectionError> {
        loop {
            let (now, deadline) = (Instant::now(), begun + self.allowed(frame));
            if now >= deadline {
                return Err(self.too_slow(now.saturating_duration_since(begun)));
            }
            tokio::select! {
                biased;
                () = frame.dropped() => return Err(ConnectionError::Crowded),
                filled = timeout_at(deadline.min(now + RECHECK), self.fill(CHUNK)) => {
                    if let Ok(count) = filled {
                        return count;
                    }
                }
            }
        }
    }

    /// The time that the current frame may take, given how full the byte budget is now.
    pub(super) fn allowed(&self, frame: &Frame) -> Duration {
        self.deadlines.frame(self.decoder.announced().unwrap_or(0), frame.fullness())
    }

    /// The error for a frame that missed its deadline. It is no offence if the frame would have
    /// been in time with an empty byte budget.
    pub(super) fn too_slow(&self, took: Duration) -> ConnectionError {
        if took < self.deadlines.frame(self.decoder.announced().unwrap_or(0), 0) {
            return ConnectionError::Crowded;
        }
        self.late(true)
    }

    /// The error for a peer that took too long. It is an offence to send nothing at first, or to
    /// send a frame too slowly, because that holds resources. Silence after a command is normal:
    /// the user may be waiting for a code or choosing a picture.
    fn late(&self, is_offence: bool) -> ConnectionError {
        if is_offence {
            self.slot.penalise(Offence::GraceExceeded);
        }
        ConnectionError::Late
    }

    /// Reads what has arrived. Returns the number of bytes, or 0 if the peer has closed the
    /// connection.
    async fn fill(&mut self, room: usize) -> Result<usize, ConnectionError> {
        let mut chunk = BytesMut::with_capacity(room);
        let count = self.stream.read_buf(&mut chunk).await?;
        self.decoder.push(&chunk);
        Ok(count)
    }
}
