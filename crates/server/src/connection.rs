//! Payloads in, replies out, over any byte stream, each with a deadline.

use crate::{conduct::Offence, deadlines::Deadlines, in_flight::Held, place::Place, reply::Reply};
use bytes::{Bytes, BytesMut};
use fourauth_protocol::frame::{self, Decoder, FrameError, MAX_PAYLOAD};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

/// Bytes read from the stream at once. A login with a picture takes a few dozen reads.
const CHUNK: usize = 8 * 1024;

/// Bytes read first. This much is held by every idle connection.
const FIRST_CHUNK: usize = 64;

/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// One peer. In production `S` is a TLS stream.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    decoder: Decoder,
    deadlines: Deadlines,
    place: Place,
    /// What the frame that has begun holds of the byte budget, until it is answered.
    held: Held,
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The socket.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// A header announced more than a frame may hold. The peer is told.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer took too long.
    #[error("the peer took too long")]
    Late,
    /// Others had taken what its frame needed.
    #[error("no room for its frame")]
    Crowded,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Wraps a stream.
    pub fn new(stream: S, deadlines: Deadlines, place: Place) -> Self {
        Self { stream, decoder: Decoder::default(), deadlines, place, held: Held::default() }
    }

    /// What it takes of the server.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Waits up to `patience` for a frame to begin; whether one did. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// See [`ConnectionError`].
    pub async fn begins(&mut self, patience: Duration) -> Result<bool, ConnectionError> {
        if self.decoder.is_mid_frame() {
            return Ok(true);
        }
        match timeout(patience, self.fill(FIRST_CHUNK)).await {
            Ok(filled) => Ok(filled? > 0),
            Err(_) => Err(self.late(self.place.is_startup())),
        }
    }

    /// The payload of the frame that has begun, or `None` if the peer hung up in it.
    ///
    /// # Errors
    ///
    /// See [`ConnectionError`].
    pub async fn payload(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let begun = Instant::now();
        loop {
            if let Some(payload) = self.decoder.next_payload()? {
                return Ok(Some(payload));
            }
            let deadline = begun + self.deadlines.frame(self.decoder.announced().unwrap_or(0));
            let Ok(filled) = timeout_at(deadline, self.fill(CHUNK)).await else {
                return Err(self.late(true));
            };
            let count = filled?;
            if count == 0 {
                return Ok(None);
            }
            let room = timeout_at(deadline, self.place.hold(&mut self.held, count));
            room.await.map_err(|_| ConnectionError::Crowded)?;
        }
    }

    /// A peer that says nothing at first, or sends a frame by drops, holds what others need. One that
    /// says nothing later is a person.
    fn late(&self, is_offence: bool) -> ConnectionError {
        if is_offence {
            self.place.penalise(Offence::GraceExceeded);
        }
        ConnectionError::Late
    }

    /// Takes what has arrived, and says how many bytes that was; none if the peer has hung up.
    async fn fill(&mut self, room: usize) -> Result<usize, ConnectionError> {
        let mut chunk = BytesMut::with_capacity(room);
        let count = self.stream.read_buf(&mut chunk).await?;
        self.decoder.push(&chunk);
        Ok(count)
    }

    /// Sends a reply.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`] if the peer is gone or does not read.
    pub async fn send(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        let mut out = BytesMut::new();
        frame::encode(reply.to_json().expose(), &mut out)?;
        let sent = async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        };
        timeout(self.deadlines.answer, sent).await.map_err(|_| ConnectionError::Late)??;
        self.held = Held::default();
        Ok(())
    }

    /// Says that this is the end and waits for nothing: another connection needs the place.
    pub async fn cut(mut self) {
        // One poll writes the goodbye, if the peer takes it at all.
        let _unsaid = timeout(Duration::ZERO, self.stream.shutdown()).await;
    }

    /// Says goodbye, so that the peer can tell the end from a cut.
    ///
    /// What is still under way is read for a moment and dropped: a socket that is closed over unread
    /// bytes is reset, and takes along the answer that the peer has not read yet (RFC 1122 §4.2.2.13).
    pub async fn close(mut self) {
        let farewell = async {
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
        // A peer that is gone already does not mind.
        let _gone = timeout(FAREWELL, farewell).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::LimitsConfig, sources::Sources};
    use std::net::IpAddr;
    use tokio::io::duplex;

    fn connection() -> (tokio::io::DuplexStream, Connection<tokio::io::DuplexStream>) {
        let (peer, server) = duplex(64 * 1024);
        let limits = LimitsConfig::default();
        let peer_address = IpAddr::from([192, 0, 2, 1]);
        let place = Sources::new(&limits).admit(peer_address, Instant::now()).unwrap();
        (peer, Connection::new(server, Deadlines::from(&limits), place))
    }

    #[tokio::test]
    async fn a_frame_arrives_whole_however_it_was_cut() {
        let (mut peer, mut connection) = connection();
        for byte in [0, 0, 0, 2, b'{', b'}'] {
            peer.write_all(&[byte]).await.unwrap();
        }
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert_eq!(connection.payload().await.unwrap().as_deref(), Some(b"{}".as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_not_waited_for() {
        let (_peer, mut connection) = connection();
        let silence = connection.begins(Duration::from_mins(1)).await;
        assert!(matches!(silence, Err(ConnectionError::Late)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_drips_is_not_waited_for() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        let drip = tokio::spawn(async move {
            while peer.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert!(matches!(connection.payload().await, Err(ConnectionError::Late)));
        drop(connection);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn to_say_nothing_is_an_offence_until_a_command_has_come() {
        for has_spoken in [false, true] {
            let (_peer, mut connection) = connection();
            if has_spoken {
                connection.place().settle();
            }
            // With ten seconds more it would have to stay away.
            connection.place().penalise(Offence::Malformed);
            let silence = connection.begins(Duration::ZERO).await;
            assert!(matches!(silence, Err(ConnectionError::Late)));
            assert_eq!(connection.place().penalty().is_none(), has_spoken);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_others_leave_no_room_for_is_no_offence() {
        let (mut peer, mut connection) = connection();
        let mut all = Held::default();
        let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
        connection.place().hold(&mut all, share).await;
        connection.place().penalise(Offence::Malformed);
        peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
        assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
        peer.write_all(b" ").await.unwrap();
        assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
        assert_eq!(connection.place().penalty(), None);
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_in_a_frame_is_no_error() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0, 0, 0, 9, b'{']).await.unwrap();
        drop(peer);
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert!(connection.payload().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_oversized_header_is_an_error_at_once() {
        let (mut peer, mut connection) = connection();
        peer.write_all(&[0xff; 4]).await.unwrap();
        assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
        assert!(matches!(connection.payload().await, Err(ConnectionError::Frame(_))));
    }
}
