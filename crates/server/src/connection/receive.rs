//! The receiving side of a connection: frames, their deadlines, and their share of the byte budget.

use super::{CHUNK, Connection, ConnectionError};
use crate::limits::{conduct::Offence, in_flight::Frame};
use bytes::Bytes;
use fourauth_protocol::frame::Decoder;
use std::{pin::Pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::{Instant, Sleep, sleep_until, timeout_at},
};

/// Longest wait for a frame, of a connection without a timeout: 30 years.
const FOREVER: Duration = Duration::from_hours(30 * 365 * 24);

/// Size of the first read, in bytes: room for a command that only shows a token. Every idle connection
/// holds a buffer of this size.
pub(super) const FIRST_CHUNK: usize = 256;

/// Bytes of a frame that are not counted in the byte budget. An idle connection holds twenty times as
/// much for TLS, and a command that only shows a token is not longer.
const UNCOUNTED: usize = 512;

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
        let mut silence = self.silence(patience);
        let filled = tokio::select! {
            biased;
            filled = self.fill(FIRST_CHUNK) => Some(filled),
            () = &mut silence => None,
        };
        self.silence = Some(silence);
        match filled {
            Some(filled) => Ok(filled? > 0),
            None => Err(self.late(self.slot.is_startup())),
        }
    }

    /// A timer that ends after `patience`.
    fn silence(&mut self, patience: Duration) -> Pin<Box<Sleep>> {
        let now = Instant::now();
        let end = now.checked_add(patience.min(FOREVER)).unwrap_or(now);
        match self.silence.take() {
            None => Box::pin(sleep_until(end)),
            Some(mut silence) => {
                silence.as_mut().reset(end);
                silence
            }
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
        let (mut frame, mut has_waited) = (None, false);
        let mut uncounted = self.decoder.buffered();
        loop {
            if uncounted > UNCOUNTED {
                let frame = frame.get_or_insert_with(|| self.slot.frame(begun));
                let room = timeout_at(begun + self.allowed(), frame.hold(uncounted));
                room.await.map_err(|_| ConnectionError::Crowded)??;
                uncounted = 0;
            }
            if let Some(payload) = self.decoder.next_payload()? {
                frame.as_ref().map_or(Ok(()), Frame::finish)?;
                self.frame = frame;
                return Ok(Some(payload));
            }
            let count = if let Some(count) = self.arrived().await {
                count?
            } else {
                if !std::mem::replace(&mut has_waited, true) {
                    self.slot.begin();
                }
                self.more(frame.as_ref(), begun).await?
            };
            if count == 0 {
                return Ok(None);
            }
            uncounted += count;
        }
    }

    /// Takes bytes of a frame that have arrived already. Returns `None` if nothing has arrived, or 0
    /// bytes if the peer has closed the connection.
    async fn arrived(&mut self) -> Option<Result<usize, ConnectionError>> {
        let room = self.room();
        tokio::select! {
            biased;
            filled = self.fill(room) => Some(filled),
            () = std::future::ready(()) => None,
        }
    }

    /// Waits for more bytes of a frame, until its deadline passes or it is dropped. Returns the
    /// number of bytes, or 0 if the peer has closed the connection.
    async fn more(
        &mut self,
        frame: Option<&Frame>,
        begun: Instant,
    ) -> Result<usize, ConnectionError> {
        let dropped = async {
            match frame {
                Some(frame) => frame.dropped().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(dropped);
        loop {
            let (now, deadline, room) = (Instant::now(), begun + self.allowed(), self.room());
            if now >= deadline {
                return Err(self.too_slow(now.saturating_duration_since(begun)));
            }
            tokio::select! {
                biased;
                () = &mut dropped => return Err(ConnectionError::Crowded),
                filled = timeout_at(deadline.min(now + RECHECK), self.fill(room)) => {
                    if let Ok(count) = filled {
                        return count;
                    }
                }
            }
        }
    }

    /// The size of the next read: what the frame lacks, at most [`CHUNK`].
    fn room(&self) -> usize {
        let lacks = self.decoder.lacks().unwrap_or(FIRST_CHUNK);
        lacks.clamp(1, CHUNK)
    }

    /// The time that the current frame may take, given how full the byte budget is now.
    pub(super) fn allowed(&self) -> Duration {
        self.deadlines.frame(self.decoder.announced().unwrap_or(0), self.slot.fullness())
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
        Ok(self.stream.read_buf(&mut self.decoder.space(room)).await?)
    }
}
