//! Frames: a `u32` length, big-endian, then that many bytes of JSON.
//!
//! The decoder does no IO. It takes bytes as they arrive from a socket and returns whole payloads,
//! so the server, the client, the fuzzer and the golden transcripts share one implementation.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The name of this protocol in TLS negotiation (ALPN, RFC 7301).
pub const ALPN: &[u8] = b"fourauth/1";

/// Bytes in the length prefix.
pub(crate) const HEADER: usize = 4;

/// Largest payload either side may announce, in bytes.
///
/// A login carries one JPEG of the face, about 150 KiB as base64. 4 MiB leaves room for several
/// pictures and still bounds the memory that an unauthenticated peer can occupy.
pub const MAX_PAYLOAD: usize = 4 * 1024 * 1024;

/// Largest payload of a command that carries no picture, in bytes.
pub const MAX_PAYLOAD_WITHOUT_PICTURE: usize = 64 * 1024;

/// Reassembles frames from arbitrary chunks.
///
/// Its buffer grows with the bytes that arrive, never with the length that a header announces.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    limit: usize,
}

/// A decoder that accepts payloads of up to [`MAX_PAYLOAD`] bytes.
impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_PAYLOAD)
    }
}

impl Decoder {
    /// A decoder that accepts payloads of up to `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    /// Appends bytes that arrived from the peer.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Room for up to `room` bytes, into which they are read from a socket without a copy.
    pub fn space(&mut self, room: usize) -> impl BufMut + '_ {
        self.buffer.reserve(room);
        (&mut self.buffer).limit(room)
    }

    /// True if a frame has begun and is not complete.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Number of bytes that have arrived and have not been taken, headers included.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Payload length in the header of the current frame, in bytes. `None` until the header is
    /// complete.
    #[must_use]
    pub fn announced(&self) -> Option<u32> {
        self.buffer.first_chunk::<HEADER>().map(|header| u32::from_be_bytes(*header))
    }

    /// Takes all bytes that have arrived and have not been taken, as they are. The stream then
    /// continues in another form.
    #[must_use]
    pub fn take_buffered(&mut self) -> BytesMut {
        std::mem::take(&mut self.buffer)
    }

    /// Number of bytes that the current frame lacks. `None` until its header is complete.
    #[must_use]
    pub fn lacks(&self) -> Option<usize> {
        let announced = usize::try_from(self.announced()?).ok()?;
        Some((HEADER + announced).saturating_sub(self.buffer.len()))
    }

    /// Takes the next payload, or returns `None` while it is incomplete.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLarge`] if a header announces more than the limit. The decoder does not
    /// wait for the payload.
    pub fn next_payload(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = announced_length(*header, self.limit)?;
        if self.buffer.len() < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        let payload = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // An idle connection keeps no buffer: ten thousand of them must stay small.
            self.buffer = BytesMut::new();
        }
        Ok(Some(payload))
    }
}

fn announced_length(header: [u8; HEADER], limit: usize) -> Result<usize, FrameError> {
    let announced = u32::from_be_bytes(header);
    usize::try_from(announced)
        .ok()
        .filter(|&length| length <= limit)
        .ok_or(FrameError::TooLarge { announced, limit })
}

/// Writes `payload` to `out` as one frame.
///
/// # Errors
///
/// [`FrameError::TooLarge`] if the payload exceeds [`MAX_PAYLOAD`]. `out` is then unchanged.
pub fn encode(payload: &[u8], out: &mut BytesMut) -> Result<(), FrameError> {
    let announced = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    if payload.len() > MAX_PAYLOAD {
        return Err(FrameError::TooLarge { announced, limit: MAX_PAYLOAD });
    }
    out.reserve(HEADER + payload.len());
    out.put_u32(announced);
    out.put_slice(payload);
    Ok(())
}

/// Writes the length of the payload that follows the first bytes of `frame`.
///
/// # Errors
///
/// [`FrameError::TooLarge`] if the payload exceeds [`MAX_PAYLOAD`].
///
/// # Panics
///
/// If `frame` has no room for the length.
pub(crate) fn announce(frame: &mut [u8]) -> Result<(), FrameError> {
    let (header, payload) = frame.split_first_chunk_mut::<HEADER>().expect("room for the length");
    let announced = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    if payload.len() > MAX_PAYLOAD {
        return Err(FrameError::TooLarge { announced, limit: MAX_PAYLOAD });
    }
    *header = announced.to_be_bytes();
    Ok(())
}

/// The byte stream is not a sequence of frames. The connection cannot be resynchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length prefix exceeds the limit.
    #[error("frame of {announced} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// Length in the prefix, in bytes.
        announced: u32,
        /// The limit, in bytes.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_oversized_header_is_refused_before_its_payload_arrives() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_be_bytes());
        let refused = FrameError::TooLarge { announced: u32::MAX, limit: MAX_PAYLOAD };
        assert_eq!(decoder.next_payload(), Err(refused));
    }

    #[test]
    fn an_announcement_reserves_nothing() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::try_from(MAX_PAYLOAD).unwrap().to_be_bytes());
        assert_eq!(decoder.next_payload(), Ok(None));
        assert!(decoder.buffer.capacity() < 1024);
    }

    #[test]
    fn bytes_that_are_no_frame_can_be_taken_as_they_are() {
        let mut decoder = Decoder::default();
        decoder.push(b"text|");
        assert_eq!(decoder.take_buffered(), b"text|"[..]);
        assert!(!decoder.is_mid_frame());
    }

    #[test]
    fn an_idle_decoder_keeps_no_buffer() {
        let mut decoder = Decoder::default();
        let mut frame = BytesMut::new();
        encode(&vec![b' '; 100_000], &mut frame).unwrap();
        decoder.push(&frame);
        assert_eq!(decoder.next_payload().unwrap().map(|payload| payload.len()), Some(100_000));
        assert_eq!(decoder.buffer.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_split_of_a_stream_yields_the_same_payloads(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            chunk in 1_usize..64,
        ) {
            let mut stream = BytesMut::new();
            for payload in &payloads {
                encode(payload, &mut stream).unwrap();
            }

            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(chunk) {
                decoder.push(piece);
                while let Some(payload) = decoder.next_payload().unwrap() {
                    seen.push(payload.to_vec());
                }
            }
            prop_assert_eq!(seen, payloads);
            prop_assert!(!decoder.is_mid_frame());
        }
    }
}
